/* table.c: rows of results in four formats. */
#include "table.h"
#include "markup.h"

#include <stdlib.h>
#include <string.h>

typedef struct cell {
    json_t *value;
    char *shown;
} cell;

struct table {
    const table_column *columns;
    size_t width; /* columns */
    cell *cells;
    size_t count, capacity; /* cells */
    bool streams;
};

table *table_new(const table_column *columns) {
    table *t = cli_alloc(1, sizeof *t);
    t->columns = columns;
    while (columns[t->width].key)
        t->width++;
    return t;
}

void table_free(table *t) {
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++) {
        json_decref(t->cells[i].value);
        free(t->cells[i].shown);
    }
    free(t->cells);
    free(t);
}

/* ---- cells --------------------------------------------------------------------------------- */

/* Columns that `text` takes: bytes that neither continue a UTF-8 character nor set a colour. */
static int columns_of(const char *text) {
    int count = 0;
    for (; *text; text++) {
        if (*text == '\033')
            text += strcspn(text, "m");
        else
            count += (*text & 0xc0) != 0x80;
    }
    return count;
}

static void print_text_row(const table *t, size_t row);

void table_cell(table *t, json_t *value, const char *shown) {
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 64;
        cell *cells = cli_alloc(capacity, sizeof *cells);
        if (t->count)
            memcpy(cells, t->cells, t->count * sizeof *cells);
        free(t->cells);
        t->cells = cells;
        t->capacity = capacity;
    }
    size_t size = strlen(shown) + 1;
    cell *new_cell = &t->cells[t->count++];
    new_cell->value = value;
    new_cell->shown = cli_alloc(size, 1);
    memcpy(new_cell->shown, shown, size);
    if (t->streams && t->count % t->width == 0) {
        print_text_row(t, t->count / t->width - 1);
        fflush(stdout);
    }
}

void table_text(table *t, const char *text) {
    table_cell(t, out_text(text), text ? text : "");
}

void table_count(table *t, size_t value) {
    table_cell(t, out_count(value), out_thousands(value));
}

void table_real(table *t, double value, const char *shown) {
    table_cell(t, out_real(value), shown);
}

/* ---- text ---------------------------------------------------------------------------------- */

static int width_of(const table *t, size_t column) {
    const table_column *c = &t->columns[column];
    int width = columns_of(c->title);
    if (c->width > width)
        width = c->width;
    for (size_t i = column; i < t->count && !t->streams; i += t->width)
        if (columns_of(t->cells[i].shown) > width)
            width = columns_of(t->cells[i].shown);
    return width;
}

/* One line; `text_of` gives the text of a column. The last column is not filled up. */
static void print_line(const table *t, size_t row, bool titles) {
    char line[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < t->width; i++) {
        const table_column *c = &t->columns[i];
        if (!c->title)
            continue;
        const char *text = titles ? c->title : t->cells[row * t->width + i].shown;
        int fill = width_of(t, i) - columns_of(text);
        if (fill < 0)
            fill = 0;
        if (used + strlen(text) + (size_t)fill + 3 >= sizeof line)
            break;
        used += (size_t)sprintf(line + used, "  %*s%s%*s", c->right ? fill : 0, "", text,
                                c->right ? 0 : fill, "");
    }
    while (used && line[used - 1] == ' ')
        line[--used] = 0;
    puts(line);
}

static void print_text_row(const table *t, size_t row) {
    print_line(t, row, false);
}

static void print_titles(const table *t) {
    bool colour = out_has_colour(stdout);
    if (colour)
        fputs("\033[1m", stdout);
    print_line(t, 0, true);
    if (colour)
        fputs("\033[0m", stdout);
    fflush(stdout);
}

void table_stream(table *t) {
    t->streams = true;
    print_titles(t);
}

/* ---- CSV and Markdown ---------------------------------------------------------------------- */

static void print_csv_text(const char *text) {
    if (!strpbrk(text, ",\"\n\r")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_csv_cell(const cell *c) {
    if (json_is_string(c->value))
        print_csv_text(json_string_value(c->value));
    else if (json_is_integer(c->value))
        printf("%lld", (long long)json_integer_value(c->value));
    else if (json_is_real(c->value))
        printf("%.9g", json_real_value(c->value));
    else if (json_is_array(c->value)) /* a shape: 1x6x28x28 */
        for (size_t i = 0; i < json_array_size(c->value); i++)
            printf("%s%lld", i ? "x" : "",
                   (long long)json_integer_value(json_array_get(c->value, i)));
    else if (json_is_boolean(c->value))
        fputs(json_is_true(c->value) ? "true" : "false", stdout);
}

static void print_csv(const table *t) {
    for (size_t i = 0; i < t->width; i++)
        printf("%s%s", i ? "," : "", t->columns[i].key);
    for (size_t i = 0; i < t->count; i++) {
        putchar(i % t->width ? ',' : '\n');
        print_csv_cell(&t->cells[i]);
    }
    putchar('\n');
}

static void print_md(const table *t) {
    for (size_t i = 0; i < t->width; i++)
        if (t->columns[i].title)
            printf("| %s ", t->columns[i].title);
    puts("|");
    for (size_t i = 0; i < t->width; i++)
        if (t->columns[i].title)
            fputs(t->columns[i].right ? "| ---: " : "| --- ", stdout);
    fputs("|\n", stdout);
    for (size_t i = 0; i < t->count; i++) {
        if (t->columns[i % t->width].title) {
            fputs("| ", stdout);
            for (const char *text = t->cells[i].shown; *text; text++) {
                if (*text == '|')
                    putchar('\\');
                putchar(*text);
            }
            putchar(' ');
        }
        if ((i + 1) % t->width == 0)
            puts("|");
    }
}

/* ---- HTML ---------------------------------------------------------------------------------- */

static void put_html_cell(FILE *to, const table_column *column, const char *tag, const char *text) {
    fprintf(to, "<%s%s>", tag, column->right ? " class=\"number\"" : "");
    markup_text(to, text);
    fprintf(to, "</%s>", tag);
}

void table_html(const table *t, FILE *to) {
    fputs("<table class=\"plain\">\n<thead><tr>", to);
    for (size_t i = 0; i < t->width; i++)
        if (t->columns[i].title)
            put_html_cell(to, &t->columns[i], "th", t->columns[i].title);
    fputs("</tr></thead>\n<tbody>\n", to);
    for (size_t row = 0; row < t->count / t->width; row++) {
        fputs("<tr>", to);
        for (size_t i = 0; i < t->width; i++)
            if (t->columns[i].title)
                put_html_cell(to, &t->columns[i], "td", t->cells[row * t->width + i].shown);
        fputs("</tr>\n", to);
    }
    fputs("</tbody>\n</table>\n", to);
}

/* ---- all formats --------------------------------------------------------------------------- */

json_t *table_rows(const table *t) {
    json_t *rows = json_array();
    for (size_t i = 0; i + t->width <= t->count; i += t->width) {
        json_t *row = json_object();
        for (size_t j = 0; j < t->width; j++)
            json_object_set(row, t->columns[j].key, t->cells[i + j].value);
        json_array_append_new(rows, row);
    }
    return rows;
}

void table_print(const table *t, int format) {
    if (format == FORMAT_CSV) {
        print_csv(t);
    } else if (format == FORMAT_MD) {
        print_md(t);
    } else if (format == FORMAT_JSON) {
        out_print(table_rows(t));
    } else {
        print_titles(t);
        for (size_t row = 0; row < t->count / t->width; row++)
            print_text_row(t, row);
    }
}
