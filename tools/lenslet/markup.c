/* markup.c: text inside SVG and HTML. */
#include "markup.h"

static const char *entity_of(char c) {
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void markup_text(FILE *to, const char *text) {
    for (; *text; text++) {
        const char *entity = entity_of(*text);
        if (entity)
            fputs(entity, to);
        else if ((unsigned char)*text >= ' ' && *text != 0x7f)
            fputc(*text, to);
    }
}
