/* dataset.h: the inside of a data set. */
#ifndef LENSLET_DATA_DATASET_H
#define LENSLET_DATA_DATASET_H

#include "core/error.h"
#include "lenslet/data.h"

#define DATASET_MAX_LABEL 65535

/* One file of an image folder; all but its path under the store's lock. */
typedef struct picture_file {
    char *path;
    lens_picture kept; /* pixels = NULL: it is not */
    size_t least_h, least_w;
    bool broken; /* and reported */
} picture_file;

typedef struct picture_store picture_store;

struct lens_dataset {
    lens_shape shape;     /* n = number of images; h = w = 0: pictures in files */
    unsigned char *bytes; /* the images, or NULL */
    float *floats;        /* the images when they are no bytes */
    picture_file *files;  /* the images when they are files */
    picture_store *store; /* what all files of a directory share; NULL: no files */
    int32_t *labels;
    size_t classes;
    char **class_names; /* `classes` of them, or NULL */
    bool borrows;       /* a slice: nothing above is owned */
};

/* Whether `directory` holds image folders, or CIFAR in any version. */
bool folders_are_in(const char *directory);
bool cifar_is_in(const char *directory);

/* Name the classes by a file of one name a line. Names are a comfort: without the file, or one for
 * every class, or memory, classes are numbers. False: there is no such file. */
bool dataset_read_names(lens_dataset *dataset, const char *path);

/* The decoded picture of file `image`, at least so large where it was reduced; borrowed until
 * folder_release(). A file that cannot be read is logged and counted the first time. */
lens_status folder_picture(lens_picture *out, bool *is_kept, const lens_dataset *dataset,
                           size_t image, size_t least_h, size_t least_w);
void folder_release(lens_picture *picture, bool is_kept);

void folder_free(lens_dataset *dataset);

#endif
