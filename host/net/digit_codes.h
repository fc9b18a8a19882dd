/* digit_codes.h: the targets of LeNet-5's output units. */
#ifndef LENSLET_NET_DIGIT_CODES_H
#define LENSLET_NET_DIGIT_CODES_H

enum { LENS_DIGITS = 10, LENS_DIGIT_ROWS = 12, LENS_DIGIT_COLUMNS = 7 };
enum { LENS_DIGIT_PIXELS = LENS_DIGIT_ROWS * LENS_DIGIT_COLUMNS };

/* values (10, 84): each digit's picture by rows, 1 where it is inked and -1 elsewhere. */
void lens_digit_codes(float values[LENS_DIGITS * LENS_DIGIT_PIXELS]);

#endif
