/* report_layers.c: percent of the device's own peak, or bandwidth, pass by pass. */
#include "markup.h"
#include "report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a pass is held against: the peak when it has multiply-adds, else the bandwidth. */
static bool has_flops(const report_pass *p) {
    return isfinite(p->flops);
}

static double part_of(const report_pass *p) {
    return has_flops(p) ? p->peak_part : p->bandwidth_part;
}

static bool is_parted(const report *r, const char *model, bool flops) {
    for (size_t i = 0; i < r->pass_count; i++)
        if (!strcmp(r->passes[i].model, model) && has_flops(&r->passes[i]) == flops &&
            isfinite(part_of(&r->passes[i])))
            return true;
    return false;
}

static void put_cell(FILE *to, size_t device, const report_pass *p, size_t batch, double whole) {
    double part = p ? part_of(p) : NAN;
    if (!isfinite(part)) {
        fputs("<td class=\"none\">-</td>", to);
        return;
    }
    fprintf(to, "<td title=\"%s", out_duration(1e-3 * p->median_ms));
    if (p->algorithm) {
        fputs(", ", to);
        markup_text(to, p->algorithm);
    }
    fputs("\"><div class=\"meter\">", to);
    report_bar(to, report_colour(device), part, whole, p->batch != batch);
    fprintf(to, "<span>%.0f %%</span></div>", 100 * part);
    if (p->batch != batch)
        fprintf(to, "<span class=\"mark\">batch %zu</span>", p->batch);
    fputs("</td>", to);
}

/* Devices whose limits are known. */
static bool has_parts(const report *r, size_t device) {
    for (size_t i = 0; i < r->pass_count; i++)
        if (r->passes[i].device == device && isfinite(part_of(&r->passes[i])))
            return true;
    return false;
}

/* "conv2d_1", "pool2d_1"; of what a layer is fused with, its operation: "conv2d_1 activation". */
static const char *row_pass(const report_pass *p) {
    bool is_fused = !strcmp(p->op, "activation");
    return out_printf("%.60s%s%.60s", is_fused ? p->op : "", is_fused ? " " : "", p->pass);
}

/* At least 1: what fills a bar. */
static double greatest_part(const report *r, const char *model, bool flops) {
    double greatest = 1;
    for (size_t i = 0; i < r->pass_count; i++)
        if (!strcmp(r->passes[i].model, model) && has_flops(&r->passes[i]) == flops)
            greatest = fmax(greatest, part_of(&r->passes[i]));
    return greatest;
}

static void put_rows(FILE *to, const report *r, const char *model, bool flops) {
    size_t batch = report_usual_work(r, model, NULL).batch;
    double whole = greatest_part(r, model, flops);
    const char *above = "";
    for (size_t i = 0; i < r->pass_count; i++) {
        const report_pass *p = &r->passes[i];
        if (strcmp(p->model, model) || has_flops(p) != flops || !report_is_first_pass(r, p))
            continue;
        report_row_name(to, !strcmp(above, p->layer), p->layer, row_pass(p));
        above = p->layer;
        for (size_t j = 0; j < r->device_count; j++)
            if (has_parts(r, j))
                put_cell(to, j, report_find_pass(r, j, p), batch, whole);
        fputs("</tr>\n", to);
    }
}

static void put_matrix(FILE *to, const report *r, const char *model, bool flops) {
    report_matrix_open(to, r, "tight", flops ? "% of peak" : "% of bandwidth", has_parts);
    put_rows(to, r, model, flops);
    report_matrix_close(to);
}

void report_put_layers(FILE *to, const report *r) {
    size_t count;
    const char **models = report_models(r, &count);
    if (count)
        report_heading(to, "Percent of peak, layer by layer",
                       "Of the multiply-adds a second that the same device reaches in registers, "
                       "measured beside each pass. Winograd's algorithms need fewer multiply-adds "
                       "than are counted, and may pass 100 %, where a line stands then.");
    for (size_t i = 0; i < count; i++) {
        if (is_parted(r, models[i], true)) {
            fputs("<h3>", to);
            markup_text(to, models[i]);
            fprintf(to, " <small>batch %zu</small></h3>\n",
                    report_usual_work(r, models[i], NULL).batch);
            put_matrix(to, r, models[i], true);
        }
        if (is_parted(r, models[i], false)) {
            fputs("<details><summary>Passes without multiply-adds: percent of the bandwidth of "
                  "memory</summary>\n",
                  to);
            put_matrix(to, r, models[i], false);
            fputs("</details>\n", to);
        }
    }
    if (count)
        report_details(to, r, "passes", "every pass");
    free(models);
}
