/* SPDX-License-Identifier: Apache-2.0 */
/* eve: settings, which events are written, and the files they land in. docs/eve.md, "Files". */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include "fixture.h"

#define TODAY "eve-2026-11-23.json"
#define TOMORROW "eve-2026-11-24.json"

TestSuite(eve, .init = fix_init, .fini = fix_fini);

static struct l7_record_attr url_attr(const char *url)
{
    return (struct l7_record_attr){
        .name = "url",
        .value = {.type = L7_TYPE_STRING, .string = {(const uint8_t *)url, strlen(url)}}};
}

static int write_url(const char *url)
{
    struct l7_record_attr attr = url_attr(url);
    struct l7_record record = {
        .size = sizeof(record),
        .type = L7_RECORD_TRANSACTION,
        .time_ns = fix.now,
        .flow_id = 1,
        .tx_id = -1,
        .proto = 6,
        .keyword = "http",
        .attrs = &attr,
        .attr_count = 1,
    };

    return fix_write(&record);
}

static int write_type(uint32_t type, const char *keyword)
{
    static const uint8_t frame[4];
    struct l7_record record = {
        .size = sizeof(record),
        .type = type,
        .flow_id = 1,
        .tx_id = -1,
        .proto = 6,
        .keyword = keyword,
        .packet = {frame, sizeof(frame)},
    };

    return fix_write(&record);
}

/* The file has exactly these lines, told by their urls. */
static void check_urls(const char *name, const char *expected)
{
    size_t len = 0;
    char *text = fix_read(name, &len);
    char found[256] = "";

    cr_assert_not_null(text, "%s is missing", name);
    cr_assert_eq(strlen(text), len, "%s holds a NUL", name);
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n');
        char *url = strstr(line, "{\"url\":\"");

        cr_assert_not_null(end, "%s ends inside a line", name);
        cr_assert_eq(line[0], '{');
        cr_assert_eq(end[-1], '}');
        cr_assert(url && url < end);
        url += strlen("{\"url\":\"");
        strncat(found, url, strcspn(url, "\""));
        line = end + 1;
    }
    cr_assert_str_eq(found, expected);
    free(text);
}

static off_t size_of(const char *name)
{
    char path[512];
    struct stat st;

    fix_path(path, sizeof(path), name);
    return stat(path, &st) < 0 ? -1 : st.st_size;
}

static void use_types(const char *a, const char *b)
{
    fix.config.types[0] = a;
    fix.config.types[1] = b;
    fix.config.type_count = b ? 2 : 1;
}

/* Which of the records below are written, a letter for each. */
static const char *written(void)
{
    static char letters[16];
    size_t len;
    char *text;

    cr_assert_eq(fix_open(), 0);
    cr_assert_eq(write_type(L7_RECORD_TRANSACTION, "http"), 0);
    cr_assert_eq(write_type(L7_RECORD_TRANSACTION, "redis"), 0);
    cr_assert_eq(write_type(L7_RECORD_ALERT, "http"), 0);
    cr_assert_eq(write_type(L7_RECORD_PACKET, "http"), 0);
    cr_assert_eq(write_type(L7_RECORD_CONNECTION, "http"), 0);
    cr_assert_eq(write_type(L7_RECORD_FLOW, "http"), 0);
    text = fix_read(TODAY, &len);
    letters[0] = '\0';
    for (char *at = text; (at = strstr(at, "\"event_type\":\"")); at++)
        strncat(letters, at + strlen("\"event_type\":\""), 1);
    free(text);
    return letters;
}

Test(eve, writes_every_event_but_flow_by_default)
{
    cr_assert_str_eq(written(), "hrap");
}

Test(eve, types_are_keywords_and_events)
{
    use_types("redis", "flow");
    cr_assert_str_eq(written(), "rf");
}

Test(eve, a_denied_frame_comes_with_its_alert)
{
    use_types("alert", NULL);
    cr_assert_str_eq(written(), "ap");
}

Test(eve, frames_can_be_asked_for_alone)
{
    use_types("packet", "nothing-known");
    cr_assert_str_eq(written(), "p");
}

Test(eve, suricata_7_has_no_packet_events)
{
    fix.config.dialect = "suricata-7";
    cr_assert_str_eq(written(), "hra");
}

Test(eve, types_that_do_not_exist_are_named)
{
    use_types("alert", "stats");
    cr_assert_eq(fix_open(), 0);
    cr_assert_not_null(strstr(fix.said, "\"stats\""));
}

Test(eve, refuses_settings_it_does_not_understand)
{
    fix.config.dialect = "suricata-6";
    cr_assert_eq(fix_open(), -EINVAL);
    cr_assert_not_null(strstr(fix.said, "\"suricata-6\"; known: guide, suricata-7"));
    fix.config.dialect = NULL;
    fix.config.value_limit = 1023;
    cr_assert_eq(fix_open(), -EINVAL);
    cr_assert_not_null(strstr(fix.said, "value-limit"));
    fix.config.value_limit = 1024;
    for (const char *const *mode =
             (const char *const[]){"", "0888", "rw", "01777", "0444", "-1", "0644x", " 0644", NULL};
         *mode; mode++) {
        fix.config.mode = *mode;
        cr_assert_eq(fix_open(), -EINVAL, "mode \"%s\" was taken", *mode);
        cr_assert_not_null(strstr(fix.said, "file-mode"));
    }
    cr_assert_eq(fix.said_count, 10);
    cr_assert_null(fix.eve);
    cr_assert_eq(fix_files(), 0);
}

Test(eve, the_file_is_there_and_empty_before_any_event)
{
    char path[512];
    struct stat st;

    cr_assert_eq(fix_open(), 0);
    fix_path(path, sizeof(path), TODAY);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 0);
    cr_assert_eq(st.st_mode & 07777, 0644);
    cr_assert_eq(fix_files(), 1);
}

Test(eve, permissions_of_the_file_can_be_chosen)
{
    char path[512];
    struct stat st;

    fix.config.mode = "0600";
    cr_assert_eq(fix_open(), 0);
    fix_path(path, sizeof(path), TODAY);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
}

Test(eve, makes_the_directory_with_its_parents)
{
    char dir[256];
    struct stat st;

    snprintf(dir, sizeof(dir), "%s/a/b//c/", fix.dir);
    fix.config.dir = dir;
    cr_assert_eq(fix_open(), 0);
    cr_assert_eq(write_url("1"), 0);
    check_urls("a/b/c/" TODAY, "1");
    snprintf(dir, sizeof(dir), "%s/a/b", fix.dir);
    cr_assert_eq(stat(dir, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0755);
}

Test(eve, continues_an_existing_file)
{
    cr_assert_eq(fix_open(), 0);
    write_url("1");
    l7_plugin.log->close(fix.eve);
    cr_assert_eq(fix_open(), 0);
    write_url("2");
    check_urls(TODAY, "12");
}

Test(eve, after_the_live_file_was_emptied_the_next_line_is_its_first)
{
    char path[512];

    cr_assert_eq(fix_open(), 0);
    write_url("1");
    write_url("2");
    fix_path(path, sizeof(path), TODAY);
    cr_assert_eq(truncate(path, 0), 0);
    cr_assert_eq(size_of(TODAY), 0);
    write_url("3");
    check_urls(TODAY, "3");
}

Test(eve, a_line_goes_to_the_day_it_is_written_on)
{
    cr_assert_eq(fix_open(), 0);
    fix.now = FIX_NOW + 14 * 3600 * SECOND - 1; /* 23:59:59.999999999 */
    write_url("1");
    fix.now += 1;
    cr_assert_eq(fix_files(), 1); /* nothing happens at midnight by itself */
    l7_plugin.log->tick(fix.eve, fix.now);
    l7_plugin.log->reopen(fix.eve);
    cr_assert_eq(fix_files(), 1);
    fix.now += SECOND;
    write_url("2");
    write_url("3");
    check_urls(TODAY, "1");
    check_urls(TOMORROW, "23");
    fix.now += 3 * 86400 * SECOND; /* quiet days have no file */
    write_url("4");
    check_urls("eve-2026-11-27.json", "4");
    cr_assert_eq(fix_files(), 3);
    fix.now = FIX_NOW; /* the clock was set back */
    write_url("5");
    check_urls(TODAY, "15");
}

Test(eve, the_day_is_the_local_one)
{
    setenv("TZ", "<+0545>-5:45", 1);
    fix.now = 1795371300 * SECOND - 1; /* local midnight */
    cr_assert_eq(fix_open(), 0);
    write_url("1");
    fix.now += 1;
    write_url("2");
    check_urls("eve-2026-11-22.json", "1");
    check_urls(TODAY, "2");
}

Test(eve, reopens_by_name_when_asked)
{
    char from[512], to[512];

    cr_assert_eq(fix_open(), 0);
    write_url("1");
    fix_path(from, sizeof(from), TODAY);
    fix_path(to, sizeof(to), "old.json");
    cr_assert_eq(rename(from, to), 0);
    write_url("2");
    l7_plugin.log->reopen(fix.eve);
    write_url("3");
    check_urls("old.json", "12");
    check_urls(TODAY, "3");
}

Test(eve, makes_a_removed_file_again)
{
    char path[512], command[600];

    cr_assert_eq(fix_open(), 0);
    write_url("1");
    fix_path(path, sizeof(path), TODAY);
    cr_assert_eq(unlink(path), 0);
    l7_plugin.log->tick(fix.eve, fix.now);
    cr_assert_eq(size_of(TODAY), 0);
    write_url("2");
    check_urls(TODAY, "2");

    snprintf(command, sizeof(command), "rm -rf '%s'", fix.dir);
    cr_assert_eq(system(command), 0);
    l7_plugin.log->tick(fix.eve, fix.now);
    write_url("3");
    check_urls(TODAY, "3");
    cr_assert_eq(fix.said_count, 0);
}

Test(eve, a_tick_leaves_a_healthy_file_alone)
{
    char path[512];
    struct stat before, after;

    cr_assert_eq(fix_open(), 0);
    fix_path(path, sizeof(path), TODAY);
    cr_assert_eq(stat(path, &before), 0);
    l7_plugin.log->tick(fix.eve, fix.now);
    cr_assert_eq(stat(path, &after), 0);
    cr_assert_eq(before.st_ino, after.st_ino);
}

Test(eve, says_why_the_directory_cannot_be_used)
{
    char dir[256];

    cr_assert_eq(fix_open(), 0);
    snprintf(dir, sizeof(dir), "%s/" TODAY "/below", fix.dir);
    l7_plugin.log->close(fix.eve);
    fix.eve = NULL;
    fix.config.dir = dir;
    cr_assert_eq(fix_open(), -ENOTDIR);
    cr_assert_eq(fix.said_count, 1);
    cr_assert_not_null(strstr(fix.said, dir));
    cr_assert_not_null(strstr(fix.said, "Not a directory"));
    cr_assert_null(fix.eve);
}

Test(eve, says_that_the_directory_is_not_writable)
{
    int err, checked;

    if (chmod(fix.dir, 0555) < 0)
        abort();
    if (geteuid() == 0 && seteuid(65534) < 0) /* root may write anywhere */
        abort();
    err = fix_open();
    checked = l7_plugin.log->open(&fix.host, &fix.config, true, NULL);
    (void)!seteuid(0);
    chmod(fix.dir, 0755);
    cr_assert_eq(err, -EACCES);
    cr_assert_eq(checked, -EACCES);
    cr_assert_eq(fix.said_count, 2);
    cr_assert_not_null(strstr(fix.said, "Permission denied"));
}

Test(eve, a_check_makes_nothing)
{
    char dir[256];

    snprintf(dir, sizeof(dir), "%s/a/b", fix.dir);
    fix.config.dir = dir;
    cr_assert_eq(l7_plugin.log->open(&fix.host, &fix.config, true, &fix.eve), 0);
    cr_assert_null(fix.eve);
    cr_assert_eq(fix_files(), 0);
    cr_assert_eq(fix.said_count, 0);
    fix.config.dir = "/proc/self/cmdline/eve";
    cr_assert_eq(l7_plugin.log->open(&fix.host, &fix.config, true, &fix.eve), -ENOTDIR);
    cr_assert_eq(fix.said_count, 1);
}

Test(eve, a_full_disk_is_told_once_and_its_end_too)
{
    char path[512];

    fix_path(path, sizeof(path), TODAY);
    cr_assert_eq(symlink("/dev/full", path), 0);
    cr_assert_eq(fix_open(), 0);
    cr_assert_eq(write_url("1"), -ENOSPC);
    cr_assert_eq(write_url("2"), -ENOSPC);
    cr_assert_eq(write_url("3"), -ENOSPC);
    cr_assert_eq(fix.said_count, 1);
    cr_assert_not_null(strstr(fix.said, path));
    cr_assert_not_null(strstr(fix.said, "No space left"));
    cr_assert_eq(unlink(path), 0);
    l7_plugin.log->reopen(fix.eve);
    cr_assert_eq(write_url("4"), 0);
    cr_assert_eq(fix.said_count, 2);
    cr_assert_not_null(strstr(fix.said, "3 lines lost"));
    check_urls(TODAY, "4");
    cr_assert_eq(write_url("5"), 0);
    cr_assert_eq(fix.said_count, 2);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
        abort();
    limit.rlim_cur = bytes;
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
        abort();
}

Test(eve, no_piece_of_a_line_stays_when_space_ends_inside_it)
{
    off_t line;
    int err;

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(fix_open(), 0);
    write_url("1");
    line = size_of(TODAY);
    limit_files((rlim_t)line + 20);
    err = write_url("2");
    limit_files(RLIM_INFINITY);
    cr_assert_eq(err, -ENOSPC);
    check_urls(TODAY, "1");
    cr_assert_eq(size_of(TODAY), line);
    cr_assert_eq(write_url("3"), 0);
    check_urls(TODAY, "13");
}

Test(eve, a_day_whose_file_cannot_be_made_loses_lines_until_it_can)
{
    char path[512];

    cr_assert_eq(fix_open(), 0);
    write_url("1");
    fix_path(path, sizeof(path), TOMORROW);
    cr_assert_eq(mkdir(path, 0755), 0);
    fix.now += 86400 * SECOND;
    cr_assert_eq(write_url("2"), -EISDIR);
    cr_assert_eq(write_url("3"), -EISDIR);
    cr_assert_eq(fix.said_count, 1);
    cr_assert_not_null(strstr(fix.said, TOMORROW));
    cr_assert_eq(rmdir(path), 0);
    cr_assert_eq(write_url("4"), 0);
    check_urls(TODAY, "1");
    check_urls(TOMORROW, "4");
}

Test(eve, what_was_lost_is_told_at_the_end)
{
    char path[512];

    fix_path(path, sizeof(path), TODAY);
    cr_assert_eq(symlink("/dev/full", path), 0);
    cr_assert_eq(fix_open(), 0);
    write_url("1");
    l7_plugin.log->close(fix.eve);
    fix.eve = NULL;
    cr_assert_eq(fix.said_count, 2);
    cr_assert_not_null(strstr(fix.said, "1 lines"));
}
