/* SPDX-License-Identifier: Apache-2.0 */
/* yaml: text and files into trees, by libyaml's events. Decides what is acceptable syntax (no
 * custom tags, UTF-8 only); leaves the tree to tree.c, JSON to json.c, types to node.c. */

#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>
#include "base/tree.h"

#define FILE_SIZE_MAX (64u * 1024 * 1024)
#define TAG_DIRECTIVES_MAX 100 /* libyaml compares each with all before it */

static struct mark mark_of(const yaml_mark_t *m)
{
    return (struct mark){(int)m->line + 1, (int)m->column + 1};
}

/* Where byte `offset` is: libyaml gives no mark when it cannot even decode the text. */
static struct mark mark_at(const char *text, size_t len, size_t offset)
{
    struct mark at = {1, 1};

    for (size_t i = 0; i < len && i < offset; i++) {
        if (text[i] == '\n') {
            at.line++;
            at.column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

static bool parser_error(struct tree *t, const yaml_parser_t *p, const char *text, size_t len)
{
    const char *problem = p->problem ? p->problem : "cannot be read";

    if (p->error == YAML_MEMORY_ERROR)
        return tree_error(t, (struct mark){0}, "out of memory");
    if (p->error == YAML_READER_ERROR)
        return tree_error(t, mark_at(text, len, p->problem_offset), "%s", problem);
    if (p->context)
        return tree_error(t, mark_of(&p->problem_mark), "%s %s", problem, p->context);
    return tree_error(t, mark_of(&p->problem_mark), "%s", problem);
}

/* Only the core types, and only on what they describe. `plain` is what the tag makes of it. */
static bool tag_accept(struct tree *t, struct mark at, const yaml_char_t *tag, enum node_kind kind,
                       bool *plain)
{
    static const char *const typed[] = {YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG, YAML_NULL_TAG};
    const char *text = (const char *)tag;

    if (!text)
        return true;
    if (strcmp(text, "!") == 0) {
        *plain = false;
        return true;
    }
    if (kind == NODE_MAP && strcmp(text, YAML_MAP_TAG) == 0)
        return true;
    if (kind == NODE_LIST && strcmp(text, YAML_SEQ_TAG) == 0)
        return true;
    if (kind == NODE_SCALAR && strcmp(text, YAML_STR_TAG) == 0) {
        *plain = false;
        return true;
    }
    for (size_t i = 0; kind == NODE_SCALAR && i < sizeof(typed) / sizeof(typed[0]); i++) {
        if (strcmp(text, typed[i]) == 0) {
            *plain = true;
            return true;
        }
    }
    return tree_error(t, at, "tag \"%s\" is not supported here", text);
}

/* One event into the tree. False: a problem was added. */
static bool take_event(struct tree *t, const yaml_event_t *e)
{
    struct mark at = mark_of(&e->start_mark);
    bool plain = false;

    switch (e->type) {
    case YAML_SCALAR_EVENT:
        plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return tag_accept(t, at, e->data.scalar.tag, NODE_SCALAR, &plain) &&
               tree_scalar(t, at, (const char *)e->data.scalar.value, e->data.scalar.length, plain,
                           (const char *)e->data.scalar.anchor);
    case YAML_SEQUENCE_START_EVENT:
        return tag_accept(t, at, e->data.sequence_start.tag, NODE_LIST, &plain) &&
               tree_open(t, at, NODE_LIST, (const char *)e->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return tag_accept(t, at, e->data.mapping_start.tag, NODE_MAP, &plain) &&
               tree_open(t, at, NODE_MAP, (const char *)e->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return tree_close(t);
    case YAML_ALIAS_EVENT:
        return tree_alias(t, at, (const char *)e->data.alias.anchor);
    case YAML_DOCUMENT_END_EVENT:
        return tree_end_document(t);
    default:
        return true;
    }
}

static bool few_tag_directives(const char *text, size_t len)
{
    const char *end = text + len;
    unsigned seen = 0;

    for (const char *p = text; (p = memmem(p, (size_t)(end - p), "%TAG", 4)) != NULL; p += 4)
        if ((p == text || p[-1] == '\n' || p[-1] == '\r') && ++seen > TAG_DIRECTIVES_MAX)
            return false;
    return true;
}

static bool yaml_read(struct tree *t, const char *text, size_t len)
{
    yaml_parser_t parser;
    bool fine = true, more = true;

    if (!few_tag_directives(text, len))
        return tree_error(t, (struct mark){0}, "more than %d %%TAG directives", TAG_DIRECTIVES_MAX);
    if (!yaml_parser_initialize(&parser))
        return tree_error(t, (struct mark){0}, "out of memory");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    while (fine && more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            fine = parser_error(t, &parser, text, len);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        fine = take_event(t, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return fine;
}

int yaml_parse(const char *name, const char *text, size_t len, bool json, struct problems *problems,
               struct yaml_file **out)
{
    struct place file = {.file = name};

    if (len > FILE_SIZE_MAX) {
        problem_add(problems, PROBLEM_ERROR, file, "larger than %u MiB", FILE_SIZE_MAX >> 20);
        return -EFBIG;
    }
    struct tree *t = tree_new(name, problems);
    if (!t) {
        problem_add(problems, PROBLEM_ERROR, file, "out of memory");
        return -ENOMEM;
    }
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    bool fine = json ? json_read(t, text, len) : yaml_read(t, text, len);
    if (!fine) {
        tree_free(t);
        return -EINVAL;
    }
    struct yaml_file *made = tree_take(t);
    if (!made)
        return -EINVAL;
    *out = made;
    return 0;
}

/* The whole of `fd`, at most FILE_SIZE_MAX + 1 bytes. 0 or negative errno. */
static int read_fd(int fd, char **text, size_t *len)
{
    struct stat st;
    size_t cap = 64 * 1024, used = 0;

    if (fstat(fd, &st) == 0 && st.st_size > 0)
        cap = st.st_size < (off_t)FILE_SIZE_MAX ? (size_t)st.st_size + 1 : FILE_SIZE_MAX + 1;
    char *buf = malloc(cap);
    if (!buf)
        return -ENOMEM;
    for (;;) {
        if (used == cap) {
            if (cap > FILE_SIZE_MAX)
                break; /* too long: yaml_parse says so */
            cap = cap * 2 < FILE_SIZE_MAX ? cap * 2 : FILE_SIZE_MAX + 1;
            char *grown = realloc(buf, cap);
            if (!grown) {
                free(buf);
                return -ENOMEM;
            }
            buf = grown;
        }
        ssize_t got = read(fd, buf + used, cap - used);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int status = -errno;
            free(buf);
            return status;
        }
        used += (size_t)got;
    }
    *text = buf;
    *len = used;
    return 0;
}

int yaml_load(const char *path, struct problems *problems, struct yaml_file **out)
{
    size_t path_len = strlen(path), len = 0;
    bool json = path_len >= 5 && strcmp(path + path_len - 5, ".json") == 0;
    char *text = NULL;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = fd < 0 ? -errno : read_fd(fd, &text, &len);
    if (fd >= 0)
        close(fd);
    if (status) {
        problem_add(problems, PROBLEM_ERROR, (struct place){.file = path}, "cannot be read: %s",
                    strerror(-status));
        return status;
    }
    status = yaml_parse(path, text, len, json, problems, out);
    free(text);
    return status;
}

void yaml_free(struct yaml_file *file)
{
    if (!file)
        return;
    yaml_arena_free(file->arena);
    free(file->documents);
    free(file->name);
    free(file);
}
