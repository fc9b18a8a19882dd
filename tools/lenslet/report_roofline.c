/* report_roofline.c: passes of a device below the roof that its memory and its peak make. */
#include "markup.h"
#include "report_page.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 430, HEIGHT = 300, LEFT = 58, RIGHT = 408, TOP = 14, BOTTOM = 258 };

/* Powers of ten, the same for every device, so that panels can be compared. */
typedef struct scales {
    int x_low, x_high; /* FLOP/byte */
    int y_low, y_high; /* GFLOP/s */
} scales;

static double x_of(const scales *s, double intensity) {
    double part = (log10(intensity) - s->x_low) / (s->x_high - s->x_low);
    return LEFT + part * (RIGHT - LEFT);
}

static double y_of(const scales *s, double gflops) {
    double part = (log10(gflops) - s->y_low) / (s->y_high - s->y_low);
    return BOTTOM - part * (BOTTOM - TOP);
}

static bool is_shown(const report_pass *p) {
    return isfinite(p->flops) && p->flops > 0 && p->bytes > 0 && p->gflops > 0;
}

static bool has_roof(const report_device *d) {
    return d->peak_gflops > 0 && d->bandwidth > 0;
}

static void widen(double value, int *low, int *high) {
    *low = (int)fmin(*low, floor(log10(value)));
    *high = (int)fmax(*high, ceil(log10(value)));
}

/* False when no device has a roof and a pass below it. */
static bool find_scales(scales *s, const report *r) {
    bool any = false;
    *s = (scales){0, 2, 100, -100};
    for (size_t i = 0; i < r->pass_count; i++) {
        const report_pass *p = &r->passes[i];
        const report_device *d = &r->devices[p->device];
        if (!is_shown(p) || !has_roof(d))
            continue;
        widen(p->flops / p->bytes, &s->x_low, &s->x_high);
        widen(p->gflops, &s->y_low, &s->y_high);
        widen(d->peak_gflops, &s->y_low, &s->y_high);
        any = true;
    }
    return any;
}

/* ---- drawing ------------------------------------------------------------------------------- */

/* "0.1", "10,000" */
static const char *power_text(int power) {
    double value = pow(10, power);
    return power < 0 ? out_printf("%g", value) : out_thousands((size_t)(value + 0.5));
}

static void put_axes(FILE *to, const scales *s) {
    for (int x = s->x_low; x <= s->x_high; x++)
        fprintf(to,
                "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text text-anchor=\"middle\" x=\"%.1f\" "
                "y=\"%d\">%s</text>\n",
                x_of(s, pow(10, x)), TOP, BOTTOM, x_of(s, pow(10, x)), BOTTOM + 16, power_text(x));
    for (int y = s->y_low; y <= s->y_high; y++)
        fprintf(to,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text text-anchor=\"end\" x=\"%d\" "
                "y=\"%.1f\">%s</text>\n",
                LEFT, y_of(s, pow(10, y)), RIGHT, LEFT - 6, y_of(s, pow(10, y)) + 4, power_text(y));
    fprintf(to,
            "<text text-anchor=\"middle\" x=\"%d\" y=\"%d\">FLOP per byte of memory</text>\n"
            "<text text-anchor=\"middle\" transform=\"translate(10 %d) rotate(-90)\">GFLOP/s"
            "</text>\n",
            (LEFT + RIGHT) / 2, BOTTOM + 34, (TOP + BOTTOM) / 2);
}

/* Memory up to the ridge, then the peak. Memory's part begins where it enters the picture. */
static void put_roof(FILE *to, const scales *s, const report_device *d) {
    double ridge = d->peak_gflops / d->bandwidth;
    double first = fmax(pow(10, s->x_low), pow(10, s->y_low) / d->bandwidth);
    double last = pow(10, s->x_high);
    double corner = fmin(fmax(ridge, first), last);
    fprintf(to, "<path class=\"roof\" d=\"M%.1f %.1fL%.1f %.1fH%d\"/>\n", x_of(s, first),
            y_of(s, fmin(first * d->bandwidth, d->peak_gflops)), x_of(s, corner),
            y_of(s, fmin(corner * d->bandwidth, d->peak_gflops)), RIGHT);
}

/* Forward: a disc; the input's gradient: a triangle; the weights': a square. */
static void put_mark(FILE *to, const char *pass, double x, double y) {
    if (!strcmp(pass, "forward"))
        fprintf(to, "<circle class=\"forward\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\">", x, y);
    else if (!strcmp(pass, "backward_input"))
        fprintf(to, "<path class=\"dx\" d=\"M%.1f %.1fl5 8.5h-10z\">", x, y - 5.5);
    else
        fprintf(to, "<path class=\"dw\" d=\"M%.1f %.1fh7.5v7.5h-7.5z\">", x - 3.75, y - 3.75);
}

static void put_pass(FILE *to, const scales *s, const report_pass *p) {
    const char *pass = p->pass;
    put_mark(to, pass, x_of(s, p->flops / p->bytes), y_of(s, p->gflops));
    fputs("<title>", to);
    markup_text(to, p->model);
    fputs(" ", to);
    markup_text(to, p->layer);
    fputs(" ", to);
    markup_text(to, pass);
    fprintf(to, ": %.3g GFLOP/s, %.3g FLOP/byte</title></%s>\n", p->gflops, p->flops / p->bytes,
            strcmp(pass, "forward") ? "path" : "circle");
}

static void put_panel(FILE *to, const report *r, size_t device, const scales *s) {
    const report_device *d = &r->devices[device];
    fputs("<figure class=\"panel\">\n<figcaption>", to);
    report_device_name(to, r, device);
    fprintf(to, " <small>%s GFLOP/s, %s GB/s</small>",
            out_thousands((size_t)(d->peak_gflops + 0.5)),
            out_thousands((size_t)(d->bandwidth + 0.5)));
    fprintf(to, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"roofline\">\n",
            WIDTH, HEIGHT);
    put_axes(to, s);
    put_roof(to, s, d);
    for (size_t i = 0; i < r->pass_count; i++)
        if (r->passes[i].device == device && is_shown(&r->passes[i]))
            put_pass(to, s, &r->passes[i]);
    fputs("</svg>\n</figure>\n", to);
}

static void put_legend(FILE *to) {
    static const struct {
        const char *pass, *text;
    } rows[] = {{"forward", "forward"},
                {"backward_input", "gradient of the input"},
                {"backward_weight", "gradient of the weights"}};
    fputs("<p class=\"legend\">", to);
    for (size_t i = 0; i < 3; i++) {
        fputs("<span><svg class=\"key\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">", to);
        put_mark(to, rows[i].pass, 7, 7);
        fprintf(to, "</%s></svg> %s</span>\n", i ? "path" : "circle", rows[i].text);
    }
    fputs("</p>\n", to);
}

void report_put_roofline(FILE *to, const report *r) {
    scales s;
    if (!find_scales(&s, r))
        return;
    report_heading(
        to, "Roofline",
        "What each pass reaches against what its device allows: memory on the slope, the "
        "peak on the flat. Near the line is good; far below it there is time to be had. "
        "Small arrays stay in a cache and may lie above the slope.");
    put_legend(to);
    fputs("<div class=\"panels\">\n", to);
    for (size_t i = 0; i < r->device_count; i++)
        if (has_roof(&r->devices[i]))
            put_panel(to, r, i, &s);
    fputs("</div>\n", to);
    report_details(to, r, "passes", "every pass, with its FLOP per byte");
}
