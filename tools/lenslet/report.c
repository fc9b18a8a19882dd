/* report.c: what of a report's devices can be compared, and which is ahead. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels -------------------------------------------------------------------------------- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The device's name; from level 1 on its machine stands behind it, then version, file, index. */
static void label_of(char *label, size_t size, const report *r, size_t device, int level) {
    const report_device *d = &r->devices[device];
    const report_file *file = &r->files[d->file];
    snprintf(label, size, "%s%s%s%s%s%s%s%s", d->name, level > 0 ? ", " : "",
             level > 0 ? file->machine : "", level > 1 ? ", lenslet " : "",
             level > 1 ? file->lenslet : "", level > 2 ? ", " : "",
             level > 2 ? base_name(file->path) : "", level > 3 ? out_printf(" [%zu]", device) : "");
}

void report_label(report *r) {
    char label[512], other[512];
    for (size_t i = 0; i < r->device_count; i++) {
        bool is_shared = true;
        for (int level = 0; level <= 4 && is_shared; level++) {
            label_of(label, sizeof label, r, i, level);
            is_shared = false;
            for (size_t j = 0; j < r->device_count && !is_shared; j++) {
                label_of(other, sizeof other, r, j, level);
                is_shared = j != i && !strcmp(label, other);
            }
        }
        free(r->devices[i].label);
        r->devices[i].label = cli_alloc(strlen(label) + 1, 1);
        strcpy(r->devices[i].label, label);
    }
}

/* ---- groups of nets ------------------------------------------------------------------------ */

static bool is_of(const report_group *g, const report_net *net) {
    return !strcmp(g->model, net->model) && !strcmp(g->mode, net->mode);
}

static bool is_same(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

static bool is_like(const report_net *a, const report_net *b) {
    return a->batch == b->batch && is_same(a->optimizer, b->optimizer);
}

/* The batch and optimizer that most of a group's rows have. */
static void set_usual(const report *r, report_group *g) {
    size_t most = 0;
    for (size_t i = 0; i < r->net_count; i++) {
        size_t count = 0;
        for (size_t j = 0; is_of(g, &r->nets[i]) && j < r->net_count; j++)
            count += is_of(g, &r->nets[j]) && is_like(&r->nets[i], &r->nets[j]) &&
                     isfinite(r->nets[j].rate);
        if (count > most || (is_of(g, &r->nets[i]) && !most && !g->batch)) {
            most = count;
            g->batch = r->nets[i].batch;
            g->optimizer = r->nets[i].optimizer;
        }
    }
}

bool report_is_right(const report *r, size_t device) {
    return report_verdict_of(r, device).failed == 0;
}

static void set_fastest(const report *r, report_group *g) {
    for (size_t i = 0; i < r->net_count; i++) {
        const report_net *net = &r->nets[i];
        if (is_of(g, net) && isfinite(net->rate) && net->batch == g->batch &&
            is_same(net->optimizer, g->optimizer) && report_is_right(r, net->device) &&
            (!g->fastest || net->rate > g->fastest->rate))
            g->fastest = net;
    }
}

report_group *report_groups(const report *r, size_t *count) {
    report_group *groups = cli_alloc(r->net_count, sizeof *groups);
    *count = 0;
    for (size_t i = 0; i < r->net_count; i++) {
        size_t j = 0;
        while (j < *count && !is_of(&groups[j], &r->nets[i]))
            j++;
        if (j == *count)
            groups[(*count)++] = (report_group){r->nets[i].model, r->nets[i].mode, NULL, 0, NULL};
    }
    for (size_t i = 0; i < *count; i++) {
        set_usual(r, &groups[i]);
        set_fastest(r, &groups[i]);
    }
    return groups;
}

const report_net *report_find_net(const report *r, const report_group *g, size_t device) {
    const report_net *found = NULL;
    for (size_t i = 0; i < r->net_count; i++)
        if (is_of(g, &r->nets[i]) && r->nets[i].device == device &&
            (!found || r->nets[i].batch == g->batch))
            found = &r->nets[i];
    return found;
}

/* ---- marks --------------------------------------------------------------------------------- */

const char *report_version(const report *r) {
    const char *usual = "";
    size_t most = 0;
    for (size_t i = 0; i < r->device_count; i++) {
        const char *version = r->files[r->devices[i].file].lenslet;
        size_t count = 0;
        for (size_t j = 0; j < r->device_count; j++)
            count += !strcmp(r->files[r->devices[j].file].lenslet, version);
        if (count > most) {
            most = count;
            usual = version;
        }
    }
    return usual;
}

const char *report_version_mark(const report *r, size_t device) {
    const char *version = r->files[r->devices[device].file].lenslet;
    return strcmp(version, report_version(r)) ? out_printf("lenslet %s", version) : "";
}

const char *report_mark(const report *r, const report_group *g, const report_net *net) {
    const char *version = report_version_mark(r, net->device);
    bool other_batch = net->batch != g->batch;
    bool other_optimizer = !is_same(net->optimizer, g->optimizer);
    return out_printf("%s%s%s%s%s", other_batch ? out_printf("batch %zu", net->batch) : "",
                      other_batch && other_optimizer ? ", " : "",
                      other_optimizer ? net->optimizer ? net->optimizer : "no optimizer" : "",
                      (other_batch || other_optimizer) && *version ? ", " : "", version);
}

/* ---- checks -------------------------------------------------------------------------------- */

static double use_of(const report_check *c) {
    if (!isfinite(c->worst_ulp))
        return INFINITY;
    return c->worst_ulp == 0 ? 0 : c->limit_ulp > 0 ? c->worst_ulp / c->limit_ulp : INFINITY;
}

report_verdict report_verdict_of(const report *r, size_t device) {
    report_verdict v = {0};
    for (size_t i = 0; i < r->check_count; i++) {
        const report_check *c = &r->checks[i];
        if (c->device != device)
            continue;
        v.cases += c->cases;
        v.failed += c->failed;
        v.skipped += c->skipped;
        if (!v.worst || use_of(c) > use_of(v.worst))
            v.worst = c;
    }
    return v;
}

const char *report_verdict_text(const report *r, size_t device) {
    report_verdict v = report_verdict_of(r, device);
    const char *cases = out_thousands(v.cases);
    if (!strcmp(r->devices[device].type, lens_device_type_name(LENS_DEVICE_REFERENCE)))
        return "is the reference";
    if (!v.cases)
        return "not checked";
    if (v.failed)
        return out_printf("%s of %s failed", out_thousands(v.failed), cases);
    return v.skipped ? out_printf("%s passed, %s skipped", out_thousands(v.cases - v.skipped),
                                  out_thousands(v.skipped))
                     : out_printf("all %s passed", cases);
}

const char *report_ulp_text(double ulp) {
    if (ulp == 0)
        return "0";
    return !isfinite(ulp) ? "no number"
                          : out_printf(ulp < 1e5 ? ulp < 10 ? "%.2f" : "%.0f" : "%.1e", ulp);
}

const report_check *report_find_check(const report *r, size_t device, const char *op,
                                      const char *pass) {
    for (size_t i = 0; i < r->check_count; i++) {
        const report_check *c = &r->checks[i];
        if (c->device == device && !strcmp(c->op, op) && !strcmp(c->pass, pass))
            return c;
    }
    return NULL;
}

/* ---- passes -------------------------------------------------------------------------------- */

report_work report_work_of(const report *r, size_t device, const char *model, const char *op) {
    report_work work = {.ms = NAN};
    for (size_t i = 0; i < r->pass_count; i++) {
        const report_pass *p = &r->passes[i];
        if (p->device != device || strcmp(p->model, model) || (op && strcmp(p->op, op)))
            continue;
        work.ms = (work.count ? work.ms : 0) + p->median_ms;
        work.batch = p->batch;
        work.count++;
    }
    return work;
}

bool report_has_passes(const report *r, size_t device) {
    for (size_t i = 0; i < r->pass_count; i++)
        if (r->passes[i].device == device)
            return true;
    return false;
}

report_work report_usual_work(const report *r, const char *model, const char *op) {
    report_work usual = {.ms = NAN};
    for (size_t i = 0; i < r->device_count; i++) {
        report_work work = report_work_of(r, i, model, op);
        if (work.count > usual.count)
            usual = work;
    }
    return usual;
}

static bool is_same_pass(const report_pass *a, const report_pass *b) {
    return !strcmp(a->model, b->model) && !strcmp(a->layer, b->layer) && !strcmp(a->op, b->op) &&
           !strcmp(a->pass, b->pass);
}

const report_pass *report_find_pass(const report *r, size_t device, const report_pass *p) {
    for (size_t i = 0; i < r->pass_count; i++)
        if (r->passes[i].device == device && is_same_pass(&r->passes[i], p))
            return &r->passes[i];
    return NULL;
}

bool report_is_first_pass(const report *r, const report_pass *p) {
    for (const report_pass *q = r->passes; q < p; q++)
        if (is_same_pass(q, p))
            return false;
    return true;
}

const char **report_models(const report *r, size_t *count) {
    const char **models = cli_alloc(r->pass_count, sizeof *models);
    *count = 0;
    for (size_t i = 0; i < r->pass_count; i++) {
        size_t j = 0;
        while (j < *count && strcmp(models[j], r->passes[i].model))
            j++;
        if (j == *count)
            models[(*count)++] = r->passes[i].model;
    }
    return models;
}
