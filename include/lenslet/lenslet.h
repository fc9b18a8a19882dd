/* lenslet.h: the whole library, in reading order.
 *
 * Data flows one way: device -> context -> tensor -> op -> layer -> net -> trainer -> report.
 *
 * One alphabet of sizes, here and in every kernel (capital = size, lower case = index):
 *
 *     N C H W   images of a batch, channels, rows and columns of an input
 *     K R S     output channels (filters), rows and columns of a filter or window
 *     P Q       rows and columns of an output
 *
 * and of tensors: x input, w weight, b bias, y output; dx dw db dy the gradients of the loss with
 * respect to them. Tensors are NCHW, contiguous, float32.
 */
#ifndef LENSLET_LENSLET_H
#define LENSLET_LENSLET_H

#include "lenslet/status.h"
#include "lenslet/trace.h"
#include "lenslet/device.h"
#include "lenslet/tensor.h"
#include "lenslet/ops.h"
#include "lenslet/tuning.h"
#include "lenslet/net.h"
#include "lenslet/picture.h"
#include "lenslet/data.h"
#include "lenslet/train.h"
#include "lenslet/io.h"

#endif
