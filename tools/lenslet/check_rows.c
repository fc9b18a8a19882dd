/* check_rows.c: what the cases of a cross-check come to, one row for each pass. */
#include "cross_check.h"

#include <math.h>
#include <string.h>

const char *const check_status_words[] = {"pass", "fail", "skip"};

double check_use(const check_record *r) {
    return r->max_ulp == 0 ? 0 : r->limit == 0 ? INFINITY : r->max_ulp / r->limit;
}

void check_count(check_counts *counts, const check_record *r) {
    counts->done++;
    counts->failed += r->status == CHECK_FAIL;
    counts->skipped += r->status == CHECK_SKIP;
}

static check_row *row_for(check_rows *rows, const check_record *r) {
    for (size_t i = 0; i < rows->count; i++)
        if (!strcmp(rows->items[i].pass, r->pass))
            return &rows->items[i];
    size_t last = CHECK_ROWS_MAX - 1;
    check_row *row = &rows->items[rows->count <= last ? rows->count++ : last];
    *row = (check_row){.op = r->op, .pass = r->pass, .worst = *r};
    return row;
}

void check_rows_add(check_rows *rows, const check_record *r) {
    check_row *row = row_for(rows, r);
    check_count(&row->counts, r);
    if (check_use(r) > check_use(&row->worst))
        row->worst = *r;
}

check_status check_row_status(const check_row *row) {
    if (row->counts.failed)
        return CHECK_FAIL;
    return row->counts.skipped == row->counts.done ? CHECK_SKIP : CHECK_PASS;
}
