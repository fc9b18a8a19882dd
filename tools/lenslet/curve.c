/* curve.c: reading a training log; drawing it as SVG. */
#include "curve.h"
#include "markup.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the log ------------------------------------------------------------------------------- */

/* The keys of cmd_train.c's log, in the order of curve_series. */
static const char *const keys[CURVE_SERIES] = {"train_loss", "val_loss", "train_accuracy",
                                               "val_accuracy"};

static bool read_line(curve_epoch *e, const char *line) {
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    json_int_t epoch = json_integer_value(json_object_get(object, "epoch"));
    bool ok = epoch >= 1;
    e->epoch = (size_t)epoch;
    for (size_t i = 0; i < CURVE_SERIES; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        ok = ok && (json_is_number(value) || json_is_null(value));
        e->values[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    json_decref(object);
    return ok;
}

static void add_epoch(curve *c, const curve_epoch *e) {
    while (c->count && c->epochs[c->count - 1].epoch >= e->epoch)
        c->count--;
    if ((c->count & (c->count - 1)) == 0) { /* full: 0, 1, 2, 4, 8 ... */
        curve_epoch *more = cli_alloc(c->count ? 2 * c->count : 1, sizeof *more);
        if (c->count)
            memcpy(more, c->epochs, c->count * sizeof *more);
        free(c->epochs);
        c->epochs = more;
    }
    c->epochs[c->count++] = *e;
}

lens_status curve_read(curve *out, const char *log) {
    *out = (curve){0};
    FILE *file = fopen(log, "r");
    if (!file)
        return cli_fail(LENS_BAD_FILE, "%s: %s", log, strerror(errno));
    char line[4096];
    lens_status status = LENS_OK;
    for (size_t number = 1; status == LENS_OK && fgets(line, sizeof line, file); number++) {
        curve_epoch e;
        if (read_line(&e, line))
            add_epoch(out, &e);
        else
            status = cli_fail(LENS_BAD_FILE, "%s: line %zu is none of a training log", log, number);
    }
    if (status == LENS_OK && ferror(file))
        status = cli_fail(LENS_BAD_FILE, "%s: %s", log, strerror(errno));
    fclose(file);
    if (status != LENS_OK)
        curve_free(out);
    return status;
}

void curve_free(curve *c) {
    free(c->epochs);
    *c = (curve){0};
}

/* ---- axes ---------------------------------------------------------------------------------- */

#define TICKS_MOST 16

/* A range of values on a range of the picture. */
typedef struct axis {
    double low, high; /* values */
    double from, to;  /* where they lie in the picture */
    bool logarithmic;
    double ticks[TICKS_MOST];
    size_t tick_count;
} axis;

static double place(const axis *a, double value) {
    double part = a->logarithmic ? log(value / a->low) / log(a->high / a->low)
                                 : (value - a->low) / (a->high - a->low);
    return a->from + part * (a->to - a->from);
}

/* The smallest of 1, 2, 5 times a power of ten that is not below `value`. */
static double round_up(double value) {
    double power = pow(10, floor(log10(value)));
    double digit = value / power;
    return power * (digit <= 1 + 1e-9 ? 1 : digit <= 2 + 1e-9 ? 2 : digit <= 5 + 1e-9 ? 5 : 10);
}

/* Widens low .. high to multiples of a round step, of which there are about `most`. */
static void set_linear(axis *a, double low, double high, double least_step, size_t most) {
    if (high <= low)
        high = low + least_step;
    double step = fmax(round_up((high - low) / (double)most), least_step);
    a->logarithmic = false;
    a->low = floor(low / step + 1e-9) * step;
    a->high = ceil(high / step - 1e-9) * step;
    a->tick_count = 0;
    for (size_t i = 0; i < TICKS_MOST && a->low + (double)i * step <= a->high + step / 2; i++)
        a->ticks[a->tick_count++] = a->low + (double)i * step;
}

/* Ticks at 1, 2, 5 times powers of ten; over many of these at the powers alone. */
static void set_logarithmic(axis *a, double low, double high) {
    bool powers_only = high / low > 2e4;
    a->logarithmic = true;
    a->low = powers_only ? pow(10, floor(log10(low) + 1e-9)) : round_up(low / 2.5);
    a->tick_count = 0;
    double tick = a->low;
    for (; a->tick_count < TICKS_MOST; tick = powers_only ? 10 * tick : round_up(tick * 1.1)) {
        a->ticks[a->tick_count++] = a->high = tick;
        if (tick >= high)
            break;
    }
}

static void find_range(double *low, double *high, const curve *c, curve_series first) {
    *low = INFINITY, *high = -INFINITY;
    for (size_t i = 0; i < c->count; i++)
        for (size_t s = first; s < (size_t)first + 2; s++) {
            double value = c->epochs[i].values[s];
            if (isfinite(value)) {
                *low = fmin(*low, value);
                *high = fmax(*high, value);
            }
        }
    if (*high < *low)
        *low = 0, *high = 1;
}

/* A loss that falls to a small part of itself is only seen on a logarithmic axis. */
static void set_loss_axis(axis *a, const curve *c) {
    double low, high;
    find_range(&low, &high, c, CURVE_TRAIN_LOSS);
    if (low > 0 && high / low > 15)
        set_logarithmic(a, low, high);
    else
        set_linear(a, fmin(low, 0), high, 1e-12, 5);
}

static void set_accuracy_axis(axis *a, const curve *c) {
    double low, high;
    find_range(&low, &high, c, CURVE_TRAIN_ACCURACY);
    set_linear(a, 100 * low, fmin(100 * high, 100), 1e-6, 5);
    if (a->high - a->low < 1e-5)
        set_linear(a, a->low - 1, a->low, 1e-6, 5);
    a->high = fmin(a->high, 100);
    while (a->tick_count && a->ticks[a->tick_count - 1] > a->high + 1e-9)
        a->tick_count--;
}

static void set_epoch_axis(axis *a, const curve *c) {
    double first = c->count ? (double)c->epochs[0].epoch : 1;
    double last = c->count ? (double)c->epochs[c->count - 1].epoch : 1;
    set_linear(a, first, last, 1, 8);
    a->low = first - (last > first ? 0 : 0.5);
    a->high = last + (last > first ? 0 : 0.5);
    size_t kept = 0;
    for (size_t i = 0; i < a->tick_count; i++)
        if (a->ticks[i] >= first && a->ticks[i] <= last)
            a->ticks[kept++] = a->ticks[i];
    a->tick_count = kept;
}

/* ---- drawing ------------------------------------------------------------------------------- */

enum { WIDTH = 860, HEIGHT = 380, TOP = 92, BOTTOM = 328, PANEL = 350, MARKS_MOST = 40 };

/* Blue and orange that colour-blind people tell apart (Okabe and Ito), brighter on a dark page;
 * validation is dashed as well. */
static const char style[] =
    "<style>\n"
    "  svg { font-family: system-ui, sans-serif; font-size: 13px; }\n"
    "  .page { fill: #ffffff; } text { fill: #24292f; }\n"
    "  .title { font-size: 17px; font-weight: 600; }\n"
    "  .small { fill: #57606a; font-size: 12px; }\n"
    "  .grid { stroke: #d8dee4; } .frame { stroke: #8c959f; fill: none; }\n"
    "  .train { stroke: #0072b2; } .val { stroke: #d55e00; }\n"
    "  path { fill: none; stroke-width: 2; stroke-linejoin: round; }\n"
    "  path.val { stroke-dasharray: 6 3; }\n"
    "  circle, rect.mark { stroke: none; }\n"
    "  circle.train { fill: #0072b2; } rect.val { fill: #d55e00; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    .page { fill: #0d1117; } text { fill: #e6edf3; } .small { fill: #9198a1; }\n"
    "    .grid { stroke: #2f353d; } .frame { stroke: #656c76; }\n"
    "    .train { stroke: #56b4e9; } .val { stroke: #e69f00; }\n"
    "    circle.train { fill: #56b4e9; } rect.val { fill: #e69f00; }\n"
    "  }\n"
    "</style>\n";

static void put_mark(FILE *to, bool is_train, double x, double y) {
    if (is_train)
        fprintf(to, "<circle class=\"train\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n", x, y);
    else
        fprintf(to, "<rect class=\"mark val\" x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\"/>\n",
                x - 3, y - 3);
}

/* A line through the epochs that have a value, broken where one has not; marks on few epochs. */
static void put_series(FILE *to, const curve *c, curve_series series, const axis *x, const axis *y,
                       double factor) {
    bool is_train = series == CURVE_TRAIN_LOSS || series == CURVE_TRAIN_ACCURACY, drawn = false;
    fprintf(to, "<path class=\"%s\" d=\"", is_train ? "train" : "val");
    for (size_t i = 0; i < c->count; i++) {
        double value = factor * c->epochs[i].values[series];
        if (isfinite(value))
            fprintf(to, "%c%.1f %.1f", drawn ? 'L' : 'M', place(x, (double)c->epochs[i].epoch),
                    place(y, value));
        drawn = isfinite(value);
    }
    fputs("\"/>\n", to);
    for (size_t i = 0; c->count <= MARKS_MOST && i < c->count; i++)
        if (isfinite(c->epochs[i].values[series]))
            put_mark(to, is_train, place(x, (double)c->epochs[i].epoch),
                     place(y, factor * c->epochs[i].values[series]));
}

static void put_panel(FILE *to, const curve *c, curve_series first, double left, const char *name) {
    axis x = {.from = left, .to = left + PANEL}, y = {.from = BOTTOM, .to = TOP};
    set_epoch_axis(&x, c);
    bool is_loss = first == CURVE_TRAIN_LOSS;
    if (is_loss)
        set_loss_axis(&y, c);
    else
        set_accuracy_axis(&y, c);
    fprintf(to, "<text x=\"%.1f\" y=\"%d\">%s%s</text>\n", left, TOP - 10, name,
            y.logarithmic ? " (logarithmic)" : "");
    for (size_t i = 0; i < y.tick_count; i++) {
        double at = place(&y, y.ticks[i]);
        fprintf(to,
                "<path class=\"grid\" style=\"stroke-width:1\" d=\"M%.1f %.1fh%d\"/>\n"
                "<text class=\"small\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%.6g%s</text>\n",
                left, at, PANEL, left - 6, at + 4, fabs(y.ticks[i]) < 1e-12 ? 0 : y.ticks[i],
                is_loss ? "" : " %");
    }
    for (size_t i = 0; i < x.tick_count; i++)
        fprintf(to,
                "<path class=\"frame\" style=\"stroke-width:1\" d=\"M%.1f %dv5\"/>\n"
                "<text class=\"small\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%.0f</text>\n",
                place(&x, x.ticks[i]), BOTTOM, place(&x, x.ticks[i]), BOTTOM + 19, x.ticks[i]);
    fprintf(to, "<rect class=\"frame\" x=\"%.1f\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", left,
            TOP, PANEL, BOTTOM - TOP);
    fprintf(to, "<text class=\"small\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">epoch</text>\n",
            left + PANEL / 2.0, BOTTOM + 38);
    put_series(to, c, first, &x, &y, is_loss ? 1 : 100);
    put_series(to, c, first + 1, &x, &y, is_loss ? 1 : 100);
}

/* "epoch 5: train 99.12 %, validation 98.80 %; best 98.91 % in epoch 4" */
static void put_summary(FILE *to, const curve *c) {
    if (!c->count)
        return;
    const curve_epoch *last = &c->epochs[c->count - 1], *best = NULL;
    for (size_t i = 0; i < c->count; i++) {
        double value = c->epochs[i].values[CURVE_VALIDATION_ACCURACY];
        if (isfinite(value) && (!best || value > best->values[CURVE_VALIDATION_ACCURACY]))
            best = &c->epochs[i];
    }
    fprintf(to, "<text class=\"small\" x=\"56\" y=\"52\">accuracy after epoch %zu: train %.2f %%",
            last->epoch, 100 * last->values[CURVE_TRAIN_ACCURACY]);
    if (isfinite(last->values[CURVE_VALIDATION_ACCURACY]))
        fprintf(to, ", validation %.2f %%", 100 * last->values[CURVE_VALIDATION_ACCURACY]);
    if (best)
        fprintf(to, " (best: %.2f %%, epoch %zu)", 100 * best->values[CURVE_VALIDATION_ACCURACY],
                best->epoch);
    fputs("</text>\n", to);
}

static void put_legend(FILE *to, double x, double y) {
    fprintf(to, "<path class=\"train\" d=\"M%.1f %.1fh30\"/>\n", x, y - 4);
    put_mark(to, true, x + 15, y - 4);
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\">train</text>\n", x + 37, y);
    fprintf(to, "<path class=\"val\" d=\"M%.1f %.1fh30\"/>\n", x + 84, y - 4);
    put_mark(to, false, x + 99, y - 4);
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\">validation</text>\n", x + 121, y);
}

void curve_draw(FILE *to, const curve *c, const char *title) {
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    markup_text(to, title);
    fprintf(to,
            "</title>\n%s<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n"
            "<text class=\"title\" x=\"56\" y=\"30\">",
            style);
    markup_text(to, title);
    fputs("</text>\n", to);
    put_summary(to, c);
    put_legend(to, WIDTH - 210, 52);
    put_panel(to, c, CURVE_TRAIN_LOSS, 56, "Loss");
    put_panel(to, c, CURVE_TRAIN_ACCURACY, 488, "Accuracy");
    fputs("</svg>\n", to);
}

lens_status curve_update(const char *svg, const char *log, const char *title) {
    curve c;
    TRY(curve_read(&c, log));
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory)
        curve_draw(memory, &c, title);
    bool drawn = memory && fclose(memory) == 0;
    curve_free(&c);
    lens_status status = drawn ? lens_file_write(svg, text, size)
                               : cli_fail(LENS_OUT_OF_MEMORY, "%s: no memory for it", svg);
    free(text);
    return status;
}
