/* SPDX-License-Identifier: Apache-2.0 */
/* eve: the event log, one JSON object a line, as readers of Suricata's EVE files know it.
 *
 * This file decides which records are wanted and reads the settings; how a line looks is line.c's,
 * where it goes dayfile.c's. It knows no protocol: a transaction's event type is the keyword of
 * the inspector that made it. The contract with readers is docs/eve.md.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dayfile.h"
#include "l7guard/log.h"
#include "l7guard/plugin.h"
#include "line.h"
#include "stamp.h"
#include "text.h"

/* A lower limit would cut what the contract promises whole in everyday traffic. */
#define VALUE_LIMIT_MIN 1024

struct eve {
    const struct l7_host *host;
    const struct l7_config *config; /* lives until close; holds the texts of `keywords` */
    struct line_style style;
    bool all; /* every event but "flow" */
    bool alerts, packets, flows;
    size_t keyword_count;
    const char **keywords;
    struct text text;
    struct stamp stamp;
    struct dayfile file;
};

static const struct l7_option eve_options[] = {
    {.key = "dir",
     .type = L7_OPTION_TEXT,
     .fallback = "",
     .help = "directory of the files; empty: the daemon's log-dir"},
    {.key = "types",
     .type = L7_OPTION_LIST,
     .fallback = "",
     .help = "events to write: alert (with packet), packet, flow, or a protocol's keyword; "
             "empty: all but flow"},
    {.key = "dialect",
     .type = L7_OPTION_TEXT,
     .fallback = "guide",
     .help = "guide: alerts show the denied message's fields, the frame is an event of its own if "
             "the rule has enableLogging; suricata-7: alerts carry the frame instead"},
    {.key = "alert-http",
     .type = L7_OPTION_BOOL,
     .fallback = "no",
     .help = "show the denied message's fields in alerts in every dialect"},
    {.key = "policy",
     .type = L7_OPTION_BOOL,
     .fallback = "yes",
     .help = "end lines with an object that names the policy, its rule and the reason"},
    {.key = "value-limit",
     .type = L7_OPTION_SIZE,
     .fallback = "64KiB",
     .help = "longer values are cut here"},
    {.key = "file-mode",
     .type = L7_OPTION_TEXT,
     .fallback = "0644",
     .help = "permissions of new files, octal, before the umask"},
};

static int read_style(struct eve *e)
{
    const struct l7_host *host = e->host;
    const char *dialect = host->config_text(e->config, "dialect");
    int64_t limit = host->config_number(e->config, "value-limit");
    bool guide = strcmp(dialect, "guide") == 0;

    if (!guide && strcmp(dialect, "suricata-7") != 0) {
        host->diag(host, L7_ERROR, "dialect: unknown value \"%s\"; known: guide, suricata-7",
                   dialect);
        return -EINVAL;
    }
    if (limit < VALUE_LIMIT_MIN) {
        host->diag(host, L7_ERROR, "value-limit: must be at least %d bytes", VALUE_LIMIT_MIN);
        return -EINVAL;
    }
    e->style = (struct line_style){
        .alert_fields = guide || host->config_bool(e->config, "alert-http"),
        .alert_packet = !guide,
        .packet_events = guide,
        .policy = host->config_bool(e->config, "policy"),
        .value_limit = (size_t)limit,
    };
    return 0;
}

static int read_types(struct eve *e)
{
    const struct l7_host *host = e->host;
    size_t count = host->config_count(e->config, "types");

    if (count == 0) {
        e->all = e->alerts = e->packets = true;
        return 0;
    }
    e->keywords = calloc(count, sizeof(*e->keywords));
    if (!e->keywords) {
        host->diag(host, L7_ERROR, "types: no memory");
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const char *type = host->config_item(e->config, "types", i);

        /* A denied frame belongs to its alert, as in the reference, whose alert output writes
         * both. */
        if (strcmp(type, "alert") == 0)
            e->alerts = e->packets = true;
        else if (strcmp(type, "packet") == 0)
            e->packets = true;
        else if (strcmp(type, "flow") == 0)
            e->flows = true;
        else if (strcmp(type, "drop") == 0 || strcmp(type, "stats") == 0)
            host->diag(host, L7_WARNING, "types: there are no \"%s\" events in this log", type);
        else
            e->keywords[e->keyword_count++] = type;
    }
    return 0;
}

static int read_mode(struct eve *e, mode_t *mode)
{
    const char *text = e->host->config_text(e->config, "file-mode");
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    if (*text < '0' || *text > '7' || *end || value > 0777 || !(value & 0200)) {
        e->host->diag(
            e->host, L7_ERROR,
            "file-mode: \"%s\" is not an octal mode such as 0644 that lets the owner write", text);
        return -EINVAL;
    }
    *mode = (mode_t)value;
    return 0;
}

static void eve_free(struct eve *e)
{
    text_fini(&e->text);
    free(e->keywords);
    free(e);
}

static int eve_open(const struct l7_host *host, const struct l7_config *config, bool check,
                    void **self)
{
    struct eve *e = calloc(1, sizeof(*e));
    const char *dir = host->config_text(config, "dir");
    mode_t mode = 0;
    int err;

    if (!e)
        return -ENOMEM;
    e->host = host;
    e->config = config;
    text_init(&e->text);
    stamp_init(&e->stamp);
    if (!dir || !*dir)
        dir = host->log_dir(host);
    err = read_style(e);
    if (!err)
        err = read_types(e);
    if (!err)
        err = read_mode(e, &mode);
    if (!err && check)
        err = dayfile_check(host, dir);
    else if (!err)
        err = dayfile_open(&e->file, host, dir, mode, &e->stamp);
    if (err || check)
        eve_free(e);
    else
        *self = e;
    return err;
}

static bool keyword_is_wanted(const struct eve *e, const char *keyword)
{
    if (e->all)
        return true;
    for (size_t i = 0; keyword && i < e->keyword_count; i++) {
        if (strcmp(e->keywords[i], keyword) == 0)
            return true;
    }
    return false;
}

static bool record_is_wanted(const struct eve *e, const struct l7_record *record)
{
    switch (record->type) {
    case L7_RECORD_TRANSACTION:
        return keyword_is_wanted(e, record->keyword);
    case L7_RECORD_ALERT:
        return e->alerts;
    case L7_RECORD_PACKET:
        return e->packets;
    case L7_RECORD_FLOW:
        return e->flows;
    default:
        return false;
    }
}

static uint32_t eve_wants(void *self)
{
    const struct eve *e = self;

    return (e->all || e->keyword_count > 0 ? L7_RECORD_BIT(L7_RECORD_TRANSACTION) : 0) |
           (e->alerts ? L7_RECORD_BIT(L7_RECORD_ALERT) : 0) |
           (e->packets ? L7_RECORD_BIT(L7_RECORD_PACKET) : 0) |
           (e->flows ? L7_RECORD_BIT(L7_RECORD_FLOW) : 0);
}

static int eve_write(void *self, const struct l7_record *record)
{
    struct eve *e = self;

    if (!record_is_wanted(e, record) || !line_write(&e->text, &e->stamp, &e->style, record))
        return 0;
    if (e->text.failed)
        return -ENOMEM;
    return dayfile_write(&e->file, e->text.ptr, e->text.len);
}

static void eve_tick(void *self, uint64_t now_ns)
{
    struct eve *e = self;

    (void)now_ns;
    dayfile_tick(&e->file);
}

static void eve_reopen(void *self)
{
    struct eve *e = self;

    dayfile_reopen(&e->file);
}

static void eve_close(void *self)
{
    struct eve *e = self;

    dayfile_close(&e->file);
    eve_free(e);
}

static const struct l7_log eve_log = {
    .size = sizeof(struct l7_log),
    .open = eve_open,
    .write = eve_write,
    .tick = eve_tick,
    .reopen = eve_reopen,
    .close = eve_close,
    .wants = eve_wants,
};

L7_PLUGIN(L7_KIND_LOG, "eve", .version = "1.0",
          .summary = "the event log: JSON lines, a file for each day", .options = eve_options,
          .option_count = sizeof(eve_options) / sizeof(eve_options[0]), .log = &eve_log);
