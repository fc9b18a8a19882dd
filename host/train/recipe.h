/* recipe.h: recipes as they are checked and as they lie in checkpoints. */
#ifndef LENSLET_TRAIN_RECIPE_H
#define LENSLET_TRAIN_RECIPE_H

#include "lenslet/train.h"

/* BAD_ARGUMENT names the value that cannot be trained with. */
lens_status lens_recipe_check(const lens_recipe *recipe);

/* A recipe as one line of JSON, every number exact; the caller frees *text with free(). */
lens_status lens_recipe_print(char **text, const lens_recipe *recipe);

/* The inverse. BAD_FILE for what is no such line; checked as above. */
lens_status lens_recipe_parse(lens_recipe *out, const char *text);

/* The names of the data's classes as one line of JSON, which the caller frees; NULL: it has none.
 */
lens_status lens_class_names_print(char **text, const lens_dataset *dataset);

#endif
