/* SPDX-License-Identifier: Apache-2.0 */
/* suggest: near words are found, far ones are not forced on anybody. */

#include <criterion/criterion.h>
#include <string.h>
#include "base/suggest.h"

static const char *const known[] = {"host", "method", "path", NULL, "interfaces", "ip"};
#define KNOWN (sizeof(known) / sizeof(known[0]))

#define cr_meant(word, wanted)                                                                     \
    do {                                                                                           \
        const char *meant = suggest(word, known, KNOWN);                                           \
        cr_assert_not_null(meant, "nothing for %s", word);                                         \
        cr_assert_str_eq(meant, wanted);                                                           \
    } while (0)

Test(suggest, finds_one_slip_of_each_kind)
{
    cr_meant("hots", "host");
    cr_meant("hoost", "host");
    cr_meant("pat", "path");
    cr_meant("metkod", "method");
    cr_meant("interface", "interfaces");
    cr_meant("intrefacs", "interfaces");
    cr_meant("ib", "ip");
}

Test(suggest, takes_upper_and_lower_case_as_alike)
{
    cr_meant("HOST", "host");
    cr_meant("Methode", "method");
}

Test(suggest, answers_with_the_element_of_the_list)
{
    cr_assert_eq(suggest("paths", known, KNOWN), known[2]);
}

Test(suggest, says_nothing_when_nothing_is_near)
{
    cr_assert_null(suggest("sni", known, KNOWN));
    cr_assert_null(suggest("workload", known, KNOWN));
    cr_assert_null(suggest("", known, KNOWN));
    cr_assert_null(suggest("host", known, 0));
    cr_assert_null(suggest("x", known, KNOWN));
}

Test(suggest, ignores_words_nobody_mistypes)
{
    char huge[4096];
    memset(huge, 'h', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = 0;
    const char *const list[] = {huge};
    cr_assert_null(suggest(huge, known, KNOWN));
    cr_assert_null(suggest("host", list, 1));
}
