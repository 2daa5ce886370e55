/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 60          /* a reload reads every policy again */
#define REPLY_MAX (256u << 20) /* bytes; a daemon's longest list of flows is far below */

static int reach(const char *path, char *error, size_t cap)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    if (strlen(path) >= sizeof(at.sun_path)) {
        snprintf(error, cap, "%s: too long: the path of a socket has at most 107 bytes", path);
        return -1;
    }
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        snprintf(error, cap, "%s: no daemon answers there: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

static bool say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Up to the first newline. NULL: it did not come. */
static char *hear(int fd, size_t *len)
{
    size_t cap = 0, used = 0;
    char *all = NULL;
    for (;;) {
        if (used == cap) {
            cap = cap == 0 ? 65536 : cap * 2;
            char *grown = cap <= REPLY_MAX ? realloc(all, cap) : NULL;
            if (grown == NULL)
                break;
            all = grown;
        }
        ssize_t n = recv(fd, all + used, cap - used, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        char *end = memchr(all + used, '\n', (size_t)n);
        used += (size_t)n;
        if (end != NULL) {
            *len = (size_t)(end - all);
            return all;
        }
    }
    free(all);
    return NULL;
}

json_t *ask(const char *socket_path, const json_t *question, char *error, size_t cap)
{
    char *text = json_dumps(question, JSON_COMPACT);
    int fd = text != NULL ? reach(socket_path, error, cap) : -1;
    json_t *reply = NULL;
    if (text == NULL)
        snprintf(error, cap, "out of memory");
    if (fd >= 0) {
        /* A daemon that refuses says so before it has read everything: what was said wrong to it
         * is less interesting than its answer. */
        bool said = say(fd, text, strlen(text)) && say(fd, "\n", 1);
        size_t len;
        char *line = hear(fd, &len);
        reply = line != NULL ? json_loadb(line, len, 0, NULL) : NULL;
        free(line);
        if (reply == NULL)
            snprintf(error, cap, "%s: %s", socket_path,
                     said ? "the daemon hung up without an answer" : "the daemon does not listen");
        close(fd);
    }
    free(text);
    return reply;
}
