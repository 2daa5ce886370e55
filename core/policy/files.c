/* SPDX-License-Identifier: Apache-2.0 */
/* files: which files a policy directory has: *.yaml, *.yml and *.json below it in the order of
 * their names. Names that begin with a dot are passed over, which is also what makes a mounted
 * ConfigMap (links into ..data) read once. Not: what is in them. */

#include "policy/load.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIRS_MAX 10000
#define FILES_MAX 100000

struct dir {
    const char *path;
    dev_t device;
    ino_t inode;
};

struct walk {
    struct load *l;
    struct dir *dirs; /* those before `next` were read */
    size_t dir_count, dir_cap, next;
    const char **files;
    size_t file_count, file_cap;
};

static void walk_problem(struct walk *w, enum problem_level level, const char *path,
                         const char *text)
{
    problem_add(w->l->problems, level, (struct place){.file = path}, "%s", text);
}

static bool is_document(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot &&
           (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

/* A directory once, however many links lead to it. */
static void walk_dir(struct walk *w, const char *path, const struct stat *st)
{
    for (size_t i = 0; i < w->dir_count; i++)
        if (w->dirs[i].device == st->st_dev && w->dirs[i].inode == st->st_ino)
            return;
    if (w->dir_count == DIRS_MAX) {
        walk_problem(w, PROBLEM_ERROR, path, "one directory too many; 10000 are read");
        return;
    }
    w->dirs = arena_grow(&w->l->scratch, w->dirs, w->dir_count, &w->dir_cap, sizeof *w->dirs);
    w->dirs[w->dir_count++] = (struct dir){path, st->st_dev, st->st_ino};
}

static void walk_file(struct walk *w, const char *path)
{
    if (w->file_count == FILES_MAX) {
        walk_problem(w, PROBLEM_ERROR, path, "one file too many; 100000 are read");
        return;
    }
    w->files = arena_grow(&w->l->scratch, w->files, w->file_count, &w->file_cap, sizeof *w->files);
    w->files[w->file_count++] = path;
}

static void walk_entry(struct walk *w, const char *dir, const char *name)
{
    struct stat st;
    if (name[0] == '.')
        return;
    char *path = arena_printf(&w->l->scratch, "%s/%s", dir, name);
    if (stat(path, &st)) {
        /* A name that cannot be looked at may hold a policy: leaving it out could open a hole. */
        if (is_document(name))
            walk_problem(w, PROBLEM_ERROR, path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        walk_dir(w, path, &st);
    } else if (is_document(name)) {
        if (S_ISREG(st.st_mode))
            walk_file(w, path);
        else
            walk_problem(w, PROBLEM_ERROR, path, "is no regular file");
    }
}

static void walk_read(struct walk *w, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        walk_problem(w, PROBLEM_ERROR, path, strerror(errno));
        return;
    }
    w->l->open_dir = dir; /* closed by whoever catches an arena without memory */
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)))
        walk_entry(w, path, entry->d_name);
    if (errno)
        walk_problem(w, PROBLEM_ERROR, path, strerror(errno));
    w->l->open_dir = NULL;
    closedir(dir);
}

static int file_compare(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

void files_read(struct load *l)
{
    struct walk w = {.l = l};
    struct stat st;
    const char *root = l->source->dir;
    if (root == NULL || root[0] == '\0')
        return;
    size_t len = strlen(root);
    char *path = arena_copy(&l->scratch, root);
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
        walk_problem(&w, PROBLEM_ERROR, root, "is no directory that can be read");
        return;
    }
    walk_dir(&w, path, &st);
    while (w.next < w.dir_count)
        walk_read(&w, w.dirs[w.next++].path);
    if (w.file_count)
        qsort(w.files, w.file_count, sizeof *w.files, file_compare);
    for (size_t i = 0; i < w.file_count; i++) {
        struct yaml_file *file = NULL;
        l->files = arena_grow(&l->scratch, l->files, l->file_count, &l->file_cap, sizeof *l->files);
        if (yaml_load(w.files[i], l->problems, &file) == 0)
            l->files[l->file_count++] = file;
    }
}
