/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* transcript: a recorded handshake from tests/data/tls (its README.md says what a line means). */

#include <stdio.h>

#include "fake.h"

#define TRANSCRIPT_FLIGHTS 16

struct flight {
    enum l7_dir dir;
    uint8_t *bytes;
    size_t len;
};

struct transcript {
    struct flight flights[TRANSCRIPT_FLIGHTS];
    size_t count;
    char attrs[FAKE_ATTRS][FAKE_TEXT]; /* as records are to show them */
};

static const char *const transcript_attrs[FAKE_ATTRS] = {
    "subject", "issuerdn", "session_resumed", "serial",  "fingerprint",
    "sni",     "version",  "notbefore",       "notafter"};

static inline void transcript_line(struct transcript *t, char *line)
{
    struct flight *flight = &t->flights[t->count];
    char *value;

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#')
        return;
    if (line[0] == '=') {
        value = strchr(line + 2, ' ');
        *value = '\0';
        for (size_t i = 0; i < FAKE_ATTRS; i++) {
            if (strcmp(transcript_attrs[i], line + 2) == 0)
                strcpy(t->attrs[i], value + 1);
        }
        return;
    }
    if (++t->count > TRANSCRIPT_FLIGHTS)
        abort();
    flight->dir = line[0] == '>' ? L7_TO_SERVER : L7_TO_CLIENT;
    flight->len = strlen(line + 2) / 2;
    flight->bytes = malloc(flight->len + 1);
    for (size_t i = 0; i < flight->len; i++) {
        unsigned byte = 0;

        if (sscanf(line + 2 + 2 * i, "%2x", &byte) != 1)
            abort();
        flight->bytes[i] = (uint8_t)byte;
    }
}

static inline struct transcript *transcript_read(const char *name)
{
    struct transcript *t = calloc(1, sizeof(*t));
    char path[512];
    char *line = NULL;
    size_t room = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/tls/%s.txt", TEST_DATA, name);
    file = fopen(path, "r");
    if (!file)
        abort();
    while (getline(&line, &room, file) > 0)
        transcript_line(t, line);
    free(line);
    fclose(file);
    return t;
}

static inline void transcript_free(struct transcript *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->flights[i].bytes);
    free(t);
}

/* Send one flight whole. */
static inline void transcript_send(struct fake *fake, const struct transcript *t, size_t flight)
{
    fake_send(fake, t->flights[flight].dir, t->flights[flight].bytes, t->flights[flight].len);
}
