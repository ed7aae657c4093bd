/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command setting.list: the schema of the settings beside the text of the node's file, which is
 * read anew, so that lines are those of now. A value is shown as the file has it. What proves who
 * somebody is never is: passwords, and in URLs user, password and query.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_nodes.h"
#include "app/feature/setting/setting.h"
#include "app/node/node.h"
#include "app/settings/settings.h"
#include "base/conf_tree.h"

#define SETTING_HIDDEN "***"
enum {
	SETTING_NAME_MAX = 96,
	SETTING_PLACE_MAX = 512,
	SETTING_VALUE_MAX = 2048,
	SETTINGS_WAITING_MAX = 2048
};

struct setting_walk {
	json_t *list;
	const struct node *node;
	struct bytes waiting; /* names of settings that wait for a restart, joined by ' ' */
};

/* A URL without user, password and query; one in which these cannot be told apart is its scheme. */
static void setting_url_write(struct writer *w, struct bytes url, size_t scheme)
{
	struct bytes rest = bytes_from(url, scheme);
	size_t query = bytes_find(rest, '?'), at = bytes_find(rest, '@');

	writer_bytes(w, bytes_sub(url, 0, scheme));
	if (at != rest.n) {
		writer_str(w, SETTING_HIDDEN);
		if (query < rest.n && bytes_find(bytes_from(rest, query), '@') < rest.n - query)
			return;
		while ((at = bytes_find(rest, '@')) != rest.n) {
			rest = bytes_from(rest, at + 1);
			query = bytes_find(rest, '?');
		}
		writer_str(w, "@");
	}
	writer_bytes(w, bytes_sub(rest, 0, query));
	if (query < rest.n)
		writer_str(w, "?" SETTING_HIDDEN);
}

static void setting_value_write(struct writer *w, const struct conf_field *f, struct bytes text)
{
	const char *mark = memmem(text.p, text.n, "://", 3);

	if (!strcmp(f->key, "password"))
		writer_str(w, text.n ? SETTING_HIDDEN : "");
	else if (mark)
		setting_url_write(w, text, (size_t)((const uint8_t *)mark - text.p) + 3);
	else
		writer_bytes(w, text);
}

static bool setting_waits(const struct setting_walk *walk, const char *name)
{
	struct bytes rest = walk->waiting, one, all = bytes_str(name);

	while (bytes_cut(&rest, ' ', &one)) {
		size_t before = one.n < all.n ? all.n - one.n : 0;

		if (bytes_eq(one, all) ||
		    (before && all.p[before - 1] == '.' &&
		     bytes_eq(one, bytes_from(all, before))) ||
		    (before && all.p[one.n] == '[' && bytes_eq(one, bytes_sub(all, 0, one.n))))
			return true;
	}
	return false;
}

/* at: what the file has; NULL: nothing. */
static void setting_add(const struct setting_walk *walk, const char *name,
			const struct conf_field *f, const struct conf_node *at)
{
	char place[SETTING_PLACE_MAX] = "", value[SETTING_VALUE_MAX];
	struct writer w = writer_over(value, sizeof(value));

	if (at)
		(void)snprintf(place, sizeof(place), "%s:%" PRIu32, walk->node->config_path,
			       at->line);
	if (at && at->kind == CONF_NODE_SCALAR)
		setting_value_write(&w, f, at->text);
	for (const struct conf_node *one = at ? at->first : NULL; one; one = one->next) {
		writer_str(&w, one == at->first ? "" : ", ");
		setting_value_write(&w, f, one->text);
	}
	(void)json_array_append_new(walk->list,
				    json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:b, s:s}", "node",
					      walk->node->settings->node.name, "name", name,
					      "value", command_text_json(writer_done(&w)),
					      "default", f->preset ? f->preset : "", "place", place,
					      "at_start", f->at_start, "waits",
					      setting_waits(walk, name), "help", f->help));
}

static void setting_section(const struct setting_walk *walk, const char *above,
			    const struct conf_field *fields, const struct conf_node *map)
{
	for (const struct conf_field *f = fields; f->key; f++) {
		const struct conf_node *at = map ? conf_node_get(map, bytes_str(f->key)) : NULL;
		char name[SETTING_NAME_MAX], item[SETTING_NAME_MAX];

		if (!at && map && f->was)
			at = conf_node_get(map, bytes_str(f->was));
		(void)snprintf(name, sizeof(name), "%s%s%s", above, above[0] ? "." : "", f->key);
		if (f->type == CONF_MAP)
			setting_section(walk, name, f->fields, at);
		if (f->type == CONF_MAP)
			continue;
		if (f->type != CONF_LIST || !at)
			setting_add(walk, name, f, at);
		for (const struct conf_node *one = f->type == CONF_LIST && at ? at->first : NULL;
		     one; one = one->next) {
			(void)snprintf(item, sizeof(item), "%.80s[%" PRIu32 "]", name, one->index);
			if (one->kind == CONF_NODE_MAP)
				setting_section(walk, item, f->fields, one);
			else
				setting_add(walk, item, f, one);
		}
	}
}

/* text: valid. waiting: of those that wait for a restart. */
static int settings_compare(const struct node *n, struct bytes text, struct writer *waiting,
			    struct conf_errors *errors)
{
	struct settings *now = calloc(1, sizeof(*now));
	int err = now ? settings_read(now, text, errors) : -ENOMEM;

	if (!err)
		settings_keep_at_start(now, n->settings, waiting);
	if (now)
		explicit_bzero(now, sizeof(*now));
	free(now);
	return err;
}

static void settings_here(struct command_run *run)
{
	const struct node *n = run->node;
	struct conf_errors *errors = calloc(1, sizeof(*errors));
	char waiting[SETTINGS_WAITING_MAX], *text = NULL;
	struct writer w = writer_over(waiting, sizeof(waiting));
	struct conf_tree tree = { 0 };
	size_t length = 0;
	int err = errors ? settings_load(n->config_path, &text, &length) : -ENOMEM;

	if (err) {
		command_fail(run, COMMAND_CONFLICT, NULL, "%s: %s", n->config_path, strerror(-err));
	} else if (settings_compare(n, bytes_mem(text, length), &w, errors) ||
		   conf_tree_open(&tree, bytes_mem(text, length), errors)) {
		command_fail(run, COMMAND_CONFLICT, NULL, "%s:%" PRIu32 ":%" PRIu32 ": %s",
			     n->config_path, errors->list[0].line, errors->list[0].column,
			     errors->list[0].message);
	} else {
		struct setting_walk walk = { json_array(), n, writer_done(&w) };

		setting_section(&walk, "", g_settings_fields, tree.root);
		command_answer(run, walk.list);
	}
	conf_tree_close(&tree);
	if (text)
		explicit_bzero(text, length); /* a url may hold a password */
	free(text);
	free(errors);
}

void command_setting_list(struct command_run *run)
{
	command_nodes_request(run, settings_here);
}
