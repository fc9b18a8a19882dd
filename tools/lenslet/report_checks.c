/* report_checks.c: whether the devices compute the right thing. */
#include "markup.h"
#include "report_page.h"

#include <math.h>
#include <string.h>

static bool is_first(const report *r, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (!strcmp(r->checks[j].op, r->checks[i].op) &&
            !strcmp(r->checks[j].pass, r->checks[i].pass))
            return false;
    return true;
}

static void put_cell(FILE *to, const report_check *c) {
    if (!c)
        fputs("<td class=\"none\">-</td>", to);
    else if (c->failed)
        fprintf(to,
                "<td class=\"bad\"><b>✗ %s of %s failed</b><small>worst %s ulp, limit "
                "%.0f</small></td>",
                out_thousands(c->failed), out_thousands(c->cases), report_ulp_text(c->worst_ulp),
                c->limit_ulp);
    else if (c->skipped == c->cases)
        fputs("<td class=\"none\">skipped</td>", to);
    else if (c->worst_ulp == 0)
        fputs("<td>equal</td>", to);
    else
        fprintf(to, "<td>%s ulp <small>limit %.0f</small></td>", report_ulp_text(c->worst_ulp),
                c->limit_ulp);
}

static bool is_checked(const report *r, size_t device) {
    return report_verdict_of(r, device).cases > 0;
}

static void put_matrix(FILE *to, const report *r) {
    report_matrix_open(to, r, "tight checks", "Worst error", is_checked);
    for (size_t i = 0; i < r->check_count; i++) {
        if (!is_first(r, i))
            continue;
        report_row_name(to, i && !strcmp(r->checks[i].op, r->checks[i - 1].op), r->checks[i].op,
                        r->checks[i].pass);
        for (size_t j = 0; j < r->device_count; j++)
            if (is_checked(r, j))
                put_cell(to, report_find_check(r, j, r->checks[i].op, r->checks[i].pass));
        fputs("</tr>\n", to);
    }
    report_matrix_close(to);
}

/* What the worst case of each failed pass looks like. */
static void put_failures(FILE *to, const report *r) {
    bool any = false;
    for (size_t i = 0; i < r->check_count; i++) {
        const report_check *c = &r->checks[i];
        if (!c->failed)
            continue;
        fputs(any ? ""
                  : "<details><summary>What failed, and what repeats it</summary>\n"
                    "<ul class=\"failures\">\n",
              to);
        any = true;
        fputs("<li><b>", to);
        markup_text(to, r->devices[c->device].label);
        fputs("</b>: ", to);
        markup_text(to, c->op);
        fputs(" ", to);
        markup_text(to, c->pass);
        fputs(", ", to);
        markup_text(to, c->worst_name);
        fputs(": ", to);
        markup_text(to, c->note ? c->note : "");
        fprintf(to, "<br><code>lenslet check ");
        markup_text(to, c->op);
        fprintf(to, " --case %zu --device %zu</code> repeats it.</li>\n", c->worst_case,
                r->devices[c->device].index);
    }
    fputs(any ? "</ul>\n</details>\n" : "", to);
}

void report_put_checks(FILE *to, const report *r) {
    bool any = false;
    for (size_t i = 0; i < r->device_count; i++)
        any = any || is_checked(r, i);
    if (!any)
        return;
    report_heading(
        to, "Correctness",
        "Every operation and network against the plain-C reference: the worst error in "
        "ulp (spacings of floats at the size of what was added up) and what rounding can "
        "explain. Equal is bit for bit.");
    put_matrix(to, r);
    put_failures(to, r);
    report_details(to, r, "checks", "every check");
}
