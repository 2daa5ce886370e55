/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* render: what report.c and explain.c say, for people: sentences and aligned tables.
 *
 * In    the JSON of one answer, whoever made it: keys that are missing are left out
 * Out   text
 */

#include <jansson.h>
#include <stdio.h>

void render_status(const json_t *status, FILE *to);
void render_reload(const json_t *reload, FILE *to);
void render_plugins(const json_t *plugins, FILE *to); /* in one table */
void render_plugin(const json_t *plugin, FILE *to);   /* everything about one */
void render_policies(const json_t *rules, FILE *to);
void render_flows(const json_t *flows, FILE *to);
void render_explain(const json_t *answer, FILE *to);
