/* SPDX-License-Identifier: Apache-2.0 */
/* explain_batch: many questions, one a line. A line that cannot be read is answered in its place
 * and the next one is looked at. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine/explain.h"

#define QUESTION_MAX (16u << 20) /* bytes of one line */

struct line {
    char *data;
    size_t len, cap;
    bool too_long;
};

/* False: nothing more comes. The newline is not kept; of a line that is too long nothing is. */
static bool read_line(FILE *in, struct line *l)
{
    int c;
    l->len = 0;
    l->too_long = false;
    while ((c = getc_unlocked(in)) != EOF && c != '\n') {
        if (l->len == l->cap && l->cap < QUESTION_MAX) {
            size_t cap = l->cap == 0 ? 4096 : l->cap * 2;
            char *data = realloc(l->data, cap);
            if (data != NULL) {
                l->data = data;
                l->cap = cap;
            }
        }
        if (l->len < l->cap)
            l->data[l->len++] = (char)c;
        else
            l->too_long = true;
    }
    return c != EOF || l->len > 0;
}

static json_t *answer_to(struct explainer *x, const struct line *l)
{
    json_error_t at;
    if (l->too_long)
        return json_pack("{s:s}", "error", "the line is too long: 16 MiB is the most");
    json_t *question = json_loadb(l->data, l->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);
    if (question == NULL) {
        json_t *error = json_sprintf("not JSON: %s", at.text);
        return json_pack("{s:o}", "error", error != NULL ? error : json_string("not JSON"));
    }
    json_t *answer = explain_json(x, question);
    json_decref(question);
    return answer;
}

int explain_batch(struct explainer *x, FILE *in, FILE *out)
{
    struct line l = {0};
    int err = 0;
    while (err == 0 && read_line(in, &l)) {
        json_t *answer = answer_to(x, &l);
        if (answer == NULL || json_dumpf(answer, out, JSON_COMPACT) != 0 ||
            putc('\n', out) == EOF || fflush(out) != 0)
            err = errno != 0 ? -errno : -EIO;
        json_decref(answer);
    }
    free(l.data);
    return err;
}
