/* markup.h: text inside SVG and HTML.
 */
#ifndef LENSLET_CLI_MARKUP_H
#define LENSLET_CLI_MARKUP_H

#include <stdio.h>

/* `text`, which may come from a file or a driver, with what HTML would take for its own escaped,
 * and without control characters. Fit for attributes in double quotes too. */
void markup_text(FILE *to, const char *text);

#endif
