/* SPDX-License-Identifier: Apache-2.0 */
/* afpacket: what is said about options. What it does with frames: live_afpacket.py. */
#include <criterion/criterion.h>
#include <errno.h>

#include "../fake_host.h"
#include "l7guard/capture.h"

static int open_with(const char *first, const char *second, const char *third, bool check)
{
    struct l7_config config = {.count = 0};
    void *self = &config;
    const char *const names[] = {first, second, third};
    for (size_t i = 0; i < 3 && names[i]; i++)
        config_add(&config, "interfaces", names[i]);
    config_add(&config, "buffer", "1048576");
    int err = l7_plugin.capture->open(&fake_host, &config, check, &self);
    cr_assert_eq(self, (void *)&config, "self is untouched");
    return err;
}

Test(afpacket, wants_two_interfaces)
{
    cr_expect_eq(open_with(NULL, NULL, NULL, true), -EINVAL);
    cr_expect_eq(open_with("a", NULL, NULL, true), -EINVAL);
    cr_expect_eq(open_with("a", "b", "c", true), -EINVAL);
    cr_expect_eq(said.errors, 3);
    cr_expect_eq(strncmp(said.text, "\"interfaces\" names 3, not 2: ", 29), 0, "%s", said.text);
    cr_expect_eq(open_with("a", "a", NULL, false), -EINVAL);
    cr_expect_not_null(strstr(said.text, "names a twice"));
}

Test(afpacket, names_the_interface_that_is_not_there_and_the_remedy)
{
    static const bool checks[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(open_with("l7none0", "l7none1", NULL, checks[i]), -ENODEV);
        cr_expect_str_eq(said.text,
                         "no such interface: l7none0; create it or change \"interfaces\"");
    }
    cr_expect_eq(said.errors, 2, "one message each");
}

Test(afpacket, refuses_what_cannot_be_an_interface)
{
    cr_expect_eq(open_with("", "l7none1", NULL, false), -EINVAL);
    cr_expect_eq(open_with("sixteen-and-more", "l7none1", NULL, false), -EINVAL);
    cr_expect_not_null(strstr(said.text, "a name has 1 to 15 characters"));
    cr_expect_eq(open_with("lo", "l7none1", NULL, false), -EPROTONOSUPPORT);
    cr_expect_not_null(strstr(said.text, "lo is not an Ethernet interface (hardware type 772)"));
}

Test(afpacket, offers_all_an_inline_source_has)
{
    const struct l7_capture *capture = l7_plugin.capture;
    cr_expect_eq(capture->flags & L7_CAPTURE_OFFLINE, 0);
    cr_expect_not_null(capture->inject);
    cr_expect_not_null(capture->flush);
    cr_expect_not_null(capture->disable_tx_checksum);
    cr_expect_str_eq(l7_plugin.name, "afpacket");
}
