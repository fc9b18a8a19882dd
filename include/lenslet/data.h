/* data.h: data sets, in memory or as folders of pictures, and the threads that prepare batches from
 * them.
 */
#ifndef LENSLET_DATA_H
#define LENSLET_DATA_H

#include "lenslet/picture.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Images with one class number each, on the host: bytes or floats in memory, or files that are
 * decoded when they are needed. */
typedef struct lens_dataset lens_dataset;

/* Which part of a directory of data. */
typedef enum lens_split { LENS_SPLIT_TRAIN, LENS_SPLIT_TEST } lens_split;

/* One array of an IDX file, as LeCun's MNIST page defines the format; plain or gzip'd, recognised
 * by content. Values are in the host's byte order. */
typedef struct lens_idx {
    int type;    /* 0x08 u8, 0x09 s8, 0x0b i16, 0x0c i32, 0x0d f32, 0x0e f64 */
    size_t rank; /* 1 .. 4 */
    size_t dims[4];
    size_t count; /* product of dims */
    void *values; /* owned by the struct */
} lens_idx;

/* BAD_FILE, naming the file, the value and the rule: missing, wrong magic, truncated, more bytes
 * than the header says, a size of 0 or beyond 2^31 - 1. Never allocates more than the header asks
 * for, nor that before the size has been checked. */
LENS_API lens_status lens_idx_read(lens_idx *out, const char *path);
LENS_API void lens_idx_free(lens_idx *idx);

/* Images (rank 3: n h w, one channel; rank 4: n c h w) and labels (rank 1, or n x 8 of QMNIST whose
 * first column counts). BAD_FILE when their counts differ or a label is negative or above 65535. */
LENS_API lens_status lens_dataset_read_idx(lens_dataset **out, const char *images_path,
                                           const char *labels_path);

/* The train or test part of a directory. What it holds is told by its names:
 *
 * - IDX files under any of their usual names: train-images-idx3-ubyte, train-images.idx3-ubyte,
 *   idx4 for images with channels, t10k or test, each with or without ".gz";
 * - CIFAR-10 or CIFAR-100, binary version: data_batch_1.bin, train.bin and so on, there or in the
 *   folder that the archive unpacks to. See lens_dataset_read_cifar();
 * - image folders: train/CLASS/PICTURE for training, and test/, validation/ or val/, the first that
 *   is there, for testing. See lens_dataset_read_folders().
 *
 * BAD_FILE, with the names looked for, when one is missing. */
LENS_API lens_status lens_dataset_read_dir(lens_dataset **out, const char *directory,
                                           lens_split split);

/* CIFAR-10 (data_batch_1.bin .. 5, test_batch.bin) or CIFAR-100 (train.bin, test.bin; the fine
 * classes), in `directory` or its folder cifar-10-batches-bin or cifar-100-binary. The classes are
 * named by batches.meta.txt or fine_label_names.txt, where that is there. BAD_FILE when a file is
 * missing, is no whole number of records, or a label is out of range. */
LENS_API lens_status lens_dataset_read_cifar(lens_dataset **out, const char *directory,
                                             lens_split split);

/* The train or test part of image folders. The classes are the folders' names, of both parts
 * together, in byte order; each regular file in them is a picture, whatever its name, but for names
 * that begin with a dot. The classes take turns, each in proportion to its size and in the byte
 * order of its files' names, so that any part of the data set holds its share of each.
 *
 * Files are looked for here and decoded by the loader, as lens_picture_read() does. One that cannot
 * be is named once in the log, counted, and left out of its batch; lens_dataset_check() makes that
 * an error. Decoded pictures are kept, up to 1 GiB for each part, so that the next epoch need not
 * decode them again.
 *
 * BAD_FILE when a folder is missing, holds no picture, cannot be read, or there are fewer than two
 * classes. */
LENS_API lens_status lens_dataset_read_folders(lens_dataset **out, const char *directory,
                                               lens_split split);

/* Decodes every picture once: BAD_FILE for the first that cannot be. OK for data in memory. */
LENS_API lens_status lens_dataset_check(const lens_dataset *dataset);

/* Pictures that could not be decoded so far, in the whole part of the directory. */
LENS_API size_t lens_dataset_broken(const lens_dataset *dataset);

/* From memory: copies n images of c h w floats and n labels (NULL: all 0). */
LENS_API lens_status lens_dataset_from_memory(lens_dataset **out, lens_shape shape,
                                              const float *images, const int32_t *labels);

LENS_API void lens_dataset_free(lens_dataset *dataset); /* NULL is allowed */

/* n = number of images. Pictures in files have each a size of their own: then c = 3, h = w = 0. */
LENS_API lens_shape lens_dataset_shape(const lens_dataset *dataset);
LENS_API size_t
lens_dataset_classes(const lens_dataset *dataset); /* named ones, or largest label + 1 */
LENS_API int32_t lens_dataset_label(const lens_dataset *dataset, size_t image);

/* The name of the class' folder, or "T-shirt/top" where the directory's data set is known or has a
 * labels.txt (one name a line), else NULL. Borrowed. */
LENS_API const char *lens_dataset_class_name(const lens_dataset *dataset, size_t label);

/* Image `image` of data in memory as floats, as stored times `scale`. Bytes are 0 .. 255, so 1/255
 * gives 0 .. 1. */
LENS_API void lens_dataset_image(const lens_dataset *dataset, size_t image, float scale,
                                 float *values);

/* Images first .. first + count - 1 as a data set that borrows from `base`, which must outlive it.
 */
LENS_API lens_status lens_dataset_slice(lens_dataset **out, const lens_dataset *base, size_t first,
                                        size_t count);

/* order[0 .. count-1] = a permutation of 0 .. count-1 that is a function of (seed, epoch) alone:
 * Fisher and Yates with Philox, unbiased. */
LENS_API void lens_shuffle(uint32_t *order, size_t count, uint64_t seed, uint64_t epoch);

/* ---- loader ---------------------------------------------------------------------------------
 * Threads that decode, preprocess and fill batches ahead of the device, in the order of
 * lens_shuffle(). The batches are the same for any number of threads. */

typedef struct lens_loader lens_loader;

typedef struct lens_loader_opts {
    size_t batch;   /* default 32 */
    bool shuffle;   /* default true; false: the data set's order */
    uint64_t seed;  /* default 0 */
    uint64_t epoch; /* epoch of the first batch, default 0 */
    size_t first;   /* first batch of that epoch (resume), default 0 */
    bool loop;      /* go on with the next epoch, default false */
    lens_preprocess preprocess;
    lens_augment augment; /* default none */
    bool ten_crop;     /* each image ten times in a row: the corners upper left, upper right, lower
                          left, lower right and the middle, then the same mirrored; default false */
    lens_shape input;  /* the net's; needed for pictures in files, default the data's */
    size_t threads;    /* default 0: one a processor, 8 at most */
    lens_trace *trace; /* where its threads and waiting for them are recorded, default NULL */
} lens_loader_opts;

LENS_API lens_loader_opts lens_loader_defaults(void);

/* The shape (n = 1) of what a loader gives for a net of this input: the input's where pictures are
 * resized on the host, else the data's. */
LENS_API lens_shape lens_loader_shape(const lens_dataset *dataset,
                                      const lens_preprocess *preprocess, lens_shape input);

/* `dataset` must outlive the loader. */
LENS_API lens_status lens_loader_new(lens_loader **out, const lens_dataset *dataset,
                                     const lens_loader_opts *opts);
LENS_API void lens_loader_free(lens_loader *loader); /* stops the threads; NULL is allowed */

typedef struct lens_batch {
    uint64_t epoch;
    size_t index;          /* of the batch in its epoch, from 0 */
    size_t count;          /* images; fewer in the last batch and where pictures are broken */
    const float *images;   /* count x c x h x w */
    const float *labels;   /* count, class numbers */
    const uint32_t *order; /* count, each image's place in the data set */
} lens_batch;

/* The next batch, waiting for it if need be; borrowed until the next call. false at the end, and
 * when the loader has failed: lens_loader_status() tells which. */
LENS_API bool lens_loader_next(lens_loader *loader, lens_batch *batch);

/* OK, or what stopped the loader, whose message is then this thread's. */
LENS_API lens_status lens_loader_status(const lens_loader *loader);

/* Seconds that lens_loader_next() has waited so far: time in which the device had nothing to do. */
LENS_API double lens_loader_waited(const lens_loader *loader);

#ifdef __cplusplus
}
#endif

#endif
