/* SPDX-License-Identifier: Apache-2.0 */
/* host: fills the table. Settings come from options.c, transactions from the engine; here is what
 * a plugin may say to whoever runs the daemon, under its own name and limited in rate. */

#include "plugin/host.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/diag.h"
#include "plugin/options.h"

#define SITES 16

struct host {
    struct l7_host table; /* first: plugins hand its address back */
    const char *log_dir;
    char room[sizeof("plugin/") + L7_NAME_MAX];
    struct diag_site sites[SITES];
};

/* Call sites are told apart by their format string. Two that share an entry share its ten lines a
 * second, no worse. */
static struct diag_site *site_of(const struct l7_host *table, const char *format)
{
    uintptr_t address = (uintptr_t)format;
    struct host *h = (struct host *)(uintptr_t)table; /* ours, lent as const */

    return &h->sites[(address ^ address >> 6 ^ address >> 12) % SITES];
}

static void L7_PRINTF(3, 4)
    host_diag(const struct l7_host *table, enum l7_level level, const char *format, ...)
{
    const struct host *h = (const struct host *)table;
    va_list args;

    va_start(args, format);
    diag_vat(site_of(table, format), level, h->room, format, args);
    va_end(args);
}

static const char *host_log_dir(const struct l7_host *table)
{
    return ((const struct host *)table)->log_dir;
}

struct host *host_new(const struct l7_host *services, const char *plugin, const char *log_dir)
{
    struct host *h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->log_dir = log_dir;
    snprintf(h->room, sizeof(h->room), "plugin/%s", plugin);
    h->table = (struct l7_host){
        .sdk_major = L7_SDK_MAJOR,
        .sdk_minor = L7_SDK_MINOR,
        .size = sizeof(struct l7_host),
        .diag = host_diag,
        .config_text = config_text,
        .config_number = config_number,
        .config_bool = config_bool,
        .config_count = config_count,
        .config_item = config_item,
        .log_dir = host_log_dir,
    };
    if (services) {
        h->table.tx_open = services->tx_open;
        h->table.tx_field = services->tx_field;
        h->table.tx_attr = services->tx_attr;
        h->table.tx_decide = services->tx_decide;
        h->table.tx_close = services->tx_close;
    }
    return h;
}

void host_free(struct host *h)
{
    free(h);
}

const struct l7_host *host_table(const struct host *h)
{
    return &h->table;
}
