/* SPDX-License-Identifier: Apache-2.0 */
/* main: the daemon's command line: what goes where, and the exit status. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM BUILD_DIR "/bin/l7guard"
#define DEMO SOURCE_DIR "/docs/examples/demo.pcap"

static char dir[64];
static char out[1 << 16], err[1 << 16];

static char *at(const char *name)
{
    static char path[8][256];
    static unsigned turn;
    char *p = path[turn++ % 8];
    snprintf(p, 256, "%s/%s", dir, name);
    return p;
}

__attribute__((format(printf, 2, 3))) static void write_file(const char *name, const char *format,
                                                             ...)
{
    va_list args;
    FILE *f = fopen(at(name), "w");
    cr_assert_not_null(f);
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    fclose(f);
}

static void remove_all(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char sub[512];
        snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (e->d_type == DT_DIR)
            remove_all(sub);
        else
            unlink(sub);
    }
    if (d != NULL)
        closedir(d);
    rmdir(path);
}

static void setup(void)
{
    strcpy(dir, "/tmp/l7main-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(mkdir(at("policies"), 0755), 0);
    cr_assert_eq(mkdir(at("logs"), 0755), 0);
    cr_assert_eq(mkdir(at("plugins"), 0755), 0);
    /* The program is run in its own folder, where nothing of the build tree is found by accident.
     */
    cr_assert_eq(symlink(BUILD_DIR "/tests/captures/tank.so", at("plugins/tank.so")), 0);
    cr_assert_eq(symlink(BUILD_DIR "/plugins/eve.so", at("plugins/eve.so")), 0);
    cr_assert_eq(symlink(BUILD_DIR "/plugins/http.so", at("plugins/http.so")), 0);
    cr_assert_eq(symlink(BUILD_DIR "/plugins/pcap.so", at("plugins/pcap.so")), 0);
}

static void teardown(void)
{
    remove_all(dir);
}

static pid_t start(char *const *arguments, int out_fd, int err_fd)
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(null, 0);
        dup2(out_fd, 1);
        dup2(err_fd, 2);
        if (chdir(dir) == 0)
            execv(PROGRAM, arguments);
        _exit(99);
    }
    return pid;
}

static void slurp(const char *name, char *to, size_t cap)
{
    FILE *f = fopen(at(name), "r");
    cr_assert_not_null(f);
    to[fread(to, 1, cap - 1, f)] = '\0';
    fclose(f);
}

static int finish(pid_t pid)
{
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    slurp("out", out, sizeof(out));
    slurp("err", err, sizeof(err));
    return WEXITSTATUS(status);
}

static pid_t launch(char *const *arguments)
{
    int o = open(at("out"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    int e = open(at("err"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    pid_t pid = start(arguments, o, e);
    close(o);
    close(e);
    return pid;
}

#define ARGUMENTS(...) ((char *[]){(char[]){"l7guard"}, __VA_ARGS__, NULL})
#define A(text) ((char[]){text})
#define run(...) finish(launch(ARGUMENTS(__VA_ARGS__)))

TestSuite(main, .init = setup, .fini = teardown);

Test(main, tells_what_it_is)
{
    cr_expect_eq(run(A("-V")), 0);
    cr_expect_eq(strncmp(out, "l7guard ", 8), 0);
    cr_expect_str_eq(err, "");
    cr_expect_eq(run(A("--help")), 0);
    cr_expect_not_null(strstr(out, "usage: l7guard"));
    cr_expect_eq(run(A("--help-config")), 0);
    cr_expect_not_null(strstr(out, "decision-timeout: 30s"));
}

Test(main, wrong_usage_is_status_2_and_says_so)
{
    cr_expect_eq(run(A("--nonsense")), 2);
    cr_expect_eq(run(A("-c")), 2);
    cr_expect_eq(run(A("-T"), A("surplus")), 2);
    cr_expect_not_null(strstr(err, "\"surplus\""));
    cr_expect_str_eq(out, "");
}

Test(main, a_configuration_that_is_not_there_is_status_1)
{
    cr_expect_eq(run(A("-c"), at("none.yaml")), 1);
    cr_expect_not_null(strstr(err, "none.yaml"));
    cr_expect_eq(run(A("-T"), A("-c"), at("none.yaml")), 1);
}

static void configure(const char *more)
{
    write_file("l7guard.yaml",
               "plugin-dir: %s/plugins\npolicy-dir: %s/policies\nlog-dir: %s/logs\n"
               "control-socket: %s/control\nmetrics: \"\"\n"
               "capture: [{tank: {socket: %s/in}}]\n%s",
               dir, dir, dir, dir, dir, more);
}

Test(main, a_test_prints_ok_or_every_problem)
{
    configure("");
    cr_expect_eq(run(A("-T"), A("-c"), at("l7guard.yaml")), 0, "%s", err);
    cr_expect_eq(strncmp(out, "ok: ", 4), 0);
    write_file("policies/bad.yaml", "apiVersion: crd.antrea.io/v1beta1\n"
                                    "kind: NetworkPolicy\n"
                                    "metadata: {name: a}\n"
                                    "spec:\n"
                                    "  priority: 5\n"
                                    "  surplus: 1\n"
                                    "  ingress: [{name: r, action: Deny}]\n");
    cr_expect_eq(run(A("-T"), A("-c"), at("l7guard.yaml")), 1);
    cr_expect_str_eq(out, "");
    cr_expect_not_null(strstr(err, "bad.yaml:6:"), "both mistakes are told");
    cr_expect_not_null(strstr(err, "bad.yaml:7:"));
    cr_expect_neq(access(at("in"), F_OK), 0, "nothing was opened");
}

Test(main, a_mistake_in_the_configuration_is_named_with_its_place)
{
    configure("polcy-dir: /tmp\n");
    cr_expect_eq(run(A("-T"), A("-c"), at("l7guard.yaml")), 1);
    cr_expect_not_null(strstr(err, "l7guard.yaml:7:"));
    cr_expect_not_null(strstr(err, "policy-dir"), "what was meant");
}

Test(main, the_command_line_wins_over_the_configuration)
{
    configure("");
    cr_assert_eq(mkdir(at("others"), 0755), 0);
    write_file("others/bad.yaml", "apiVersion: crd.antrea.io/v1beta1\nkind: Nonsense\n");
    write_file("others/worse.yaml", "a: [\n");
    cr_expect_eq(run(A("-T"), A("-c"), at("l7guard.yaml"), A("-p"), at("others")), 1);
    cr_expect_not_null(strstr(err, "others/worse.yaml"));
    cr_expect_eq(run(A("-T"), A("-c"), at("l7guard.yaml"), A("-P"), at("nowhere")), 1);
    cr_expect_not_null(strstr(err, "nowhere"));
}

Test(main, judges_a_file_and_tells_what_came_of_it)
{
    cr_expect_eq(run(A("-r"), A(DEMO), A("-P"), at("plugins"), A("-l"), at("logs")), 0, "%s", err);
    cr_expect_not_null(strstr(out, " frames, "));
    cr_expect_not_null(strstr(out, "demo.pcap: "));
    cr_expect_eq(run(A("-r"), at("none.pcap"), A("-P"), at("plugins"), A("-l"), at("logs")), 1);
    cr_expect_str_eq(out, "");
    cr_expect_not_null(strstr(err, "none.pcap"));
}

Test(main, a_file_that_is_no_capture_is_status_1)
{
    write_file("text.pcap", "this is no capture");
    cr_expect_eq(run(A("-r"), at("text.pcap"), A("-P"), at("plugins"), A("-l"), at("logs")), 1);
    cr_expect_not_null(strstr(err, "text.pcap"));
}

static bool appears(const char *name, const char *text)
{
    for (int i = 0; i < 5000; i++) {
        char now[1 << 16];
        slurp(name, now, sizeof(now));
        if (strstr(now, text) != NULL)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return false;
}

Test(main, runs_until_it_is_told_to_stop)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    configure("");
    for (size_t i = 0; i < 2; i++) {
        pid_t pid = launch(ARGUMENTS(A("-c"), at("l7guard.yaml")));
        cr_expect(appears("err", "ready: 0 rules"));
        cr_expect_eq(access(at("in"), F_OK), 0);
        cr_assert_eq(kill(pid, numbers[i]), 0);
        cr_expect_eq(finish(pid), 0, "%s", err);
        cr_expect_not_null(strstr(err, "stopping"));
        unlink(at("in"));
    }
}

Test(main, a_hangup_reloads_all_or_nothing)
{
    configure("");
    pid_t pid = launch(ARGUMENTS(A("-c"), at("l7guard.yaml")));
    cr_expect(appears("err", "ready"));
    write_file("policies/bad.yaml", "apiVersion: crd.antrea.io/v1beta1\nkind: Tier\n");
    cr_assert_eq(kill(pid, SIGHUP), 0);
    cr_expect(appears("err", "reload refused: the old policies stay in force"));
    cr_expect(appears("err", "policies/bad.yaml:"));
    cr_assert_eq(unlink(at("policies/bad.yaml")), 0);
    cr_assert_eq(kill(pid, SIGHUP), 0);
    cr_expect(appears("err", "reloaded: generation 2"));
    cr_assert_eq(kill(pid, SIGUSR1), 0);
    cr_assert_eq(kill(pid, SIGTERM), 0);
    cr_expect_eq(finish(pid), 0);
}

Test(main, what_cannot_be_opened_ends_it_with_status_1)
{
    configure("");
    write_file("in", "the socket's name is taken");
    cr_expect_eq(run(A("-c"), at("l7guard.yaml")), 1);
    cr_expect_not_null(strstr(err, "tank: cannot bind"));
    cr_expect_null(strstr(err, "ready:"));
}

Test(main, a_hangup_that_comes_too_early_is_answered_later)
{
    char config[1024];
    configure("");
    slurp("l7guard.yaml", config, sizeof(config));
    cr_assert_eq(mkfifo(at("fifo"), 0600), 0);
    pid_t pid = launch(ARGUMENTS(A("-c"), at("fifo")));
    int fd = open(at("fifo"), O_WRONLY | O_CLOEXEC); /* returns when the daemon reads */
    cr_assert_geq(fd, 0);
    cr_assert_eq(kill(pid, SIGHUP), 0);
    cr_assert_eq(kill(pid, SIGUSR1), 0);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    cr_assert_eq(write(fd, config, strlen(config)), (ssize_t)strlen(config));
    close(fd);
    cr_expect(appears("err", "ready: "));
    cr_expect(appears("err", "reloaded: generation 2"));
    cr_assert_eq(kill(pid, SIGTERM), 0);
    cr_expect_eq(finish(pid), 0);
}
