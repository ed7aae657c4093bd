/* SPDX-License-Identifier: Apache-2.0 */
/* What users choose about the paging groups that name their extensions (PAGE-06): the kind of
 * documents "page_choice", and lists of groups. Control thread. */

#include <stdlib.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/document/references.h"
#include "app/feature/page/page.h"
#include "app/node/node.h"
#include "base/json_member.h"
#include "base/named.h"
#include "sig/host/tenant.h"

enum { PAGE_CHOICES_MAX = 65536, TENANT_CHOICES_MAX = 16384, PAGE_LABEL_MAX = 2 * PAGE_PERSON_MAX };

struct page_choice {
	uint16_t tenant;
	char number[DIAL_NUMBER_MAX];
	struct page_choice_value v;
};

static struct table g_choices; /* struct page_choice by tenant and number */

const struct page_choice_value *page_choice_find(uint16_t tenant, struct bytes number)
{
	const struct page_choice *c = named_find(&g_choices, tenant, number);

	return c ? &c->v : NULL;
}

bool page_is_wanted(const struct page_choice_value *c, const struct page_value *v)
{
	struct bytes left = bytes_str(c ? c->off : ""), one;

	while (page_priority_of(v) != PAGE_EMERGENCY && bytes_cut(&left, ',', &one)) {
		if (bytes_is(bytes_trim(one), v->name))
			return false;
	}
	return true;
}

/* ---- the document ---- */

static int page_choice_apply(struct node *node, uint16_t tenant, const void *value)
{
	const struct page_choice_value *v = value;
	struct page_choice *c;
	int err;

	(void)node;
	if (!g_choices.capacity && (err = table_open(&g_choices, PAGE_CHOICES_MAX)) != 0)
		return err;
	c = named_put(&g_choices, tenant, bytes_str(v->number), sizeof(*c), &err);
	if (!c)
		return err;
	c->v = *v;
	return 0;
}

static void page_choice_forget(struct node *node, uint16_t tenant, const char *number)
{
	struct page_choice *c = named_find(&g_choices, tenant, bytes_str(number));

	(void)node;
	if (!c)
		return;
	named_remove(&g_choices, c);
	free(c);
}

/* Documents that name the extension, {kind/name: field}. New reference. */
static json_t *groups_of(const struct node *n, uint16_t tenant, const char *number)
{
	return references_to(n, tenants_name(n->common.tenants, tenant), "extension", number);
}

static bool choice_has_group(const json_t *groups, struct bytes name)
{
	char source[PAGE_NAME_MAX + sizeof("page/")];
	struct writer w = writer_over(source, sizeof(source) - 1);

	writer_str(&w, "page/");
	writer_bytes(&w, name);
	source[w.n] = '\0';
	return !w.overflow && json_object_get(groups, source);
}

/* He may have been a member when he chose. */
static void page_choice_warn(const struct node *n, uint16_t tenant, const void *value, json_t *out)
{
	const struct page_choice_value *v = value;
	json_t *groups = groups_of(n, tenant, v->number);
	struct bytes left = bytes_str(v->off), one;

	while (bytes_cut(&left, ',', &one)) {
		one = bytes_trim(one);
		if (!choice_has_group(groups, one))
			(void)json_array_append_new(
				out, json_sprintf("off: it is in no paging group " BYTES_FMT,
						  BYTES_ARG(one)));
	}
	if (v->default_group[0] && !choice_has_group(groups, bytes_str(v->default_group)))
		(void)json_array_append_new(
			out, json_sprintf("default_group: it is in no paging group %s",
					  v->default_group));
	json_decref(groups);
}

const struct document_kind g_page_choice_documents = {
	.rank = 2,
	.name = "page_choice",
	.argument = "number",
	.several = "choices of paging groups",
	.places = PAGE_CHOICES_MAX,
	.share = TENANT_CHOICES_MAX,
	.size = sizeof(struct page_choice_value),
	.form = &g_page_choice_form,
	.apply = page_choice_apply,
	.forget = page_choice_forget,
	.warn = page_choice_warn,
};

void page_choices_close(void)
{
	named_close(&g_choices);
}

/* ---- lists ---- */

void page_number(const struct node *n, const char *tenant, const char *name,
		 char out[COMMAND_USER_MAX])
{
	static const char head[] = "number/";
	json_t *sources = references_to(n, tenant, "page", name);
	const char *source;
	json_t *unused;

	out[0] = '\0';
	json_object_foreach(sources, source, unused)
	{
		const char *number = source + sizeof(head) - 1;

		if (strncmp(source, head, sizeof(head) - 1) != 0 ||
		    number[strspn(number, "0123456789*#")] || (out[0] && strcmp(number, out) >= 0))
			continue;
		(void)bytes_cstr(bytes_str(number), out, COMMAND_USER_MAX);
	}
	json_decref(sources);
}

/* PAGE-03: the group of channel 1 comes first. */
static bool page_row_look(const struct command_run *run, const struct command_span *span,
			  struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	static struct page_value v;
	bool more = command_document_look(run, span, at, show, out);

	out->utc_ms = more && out->wanted &&
		      !(document_stored(run->node, run->tenant, &g_page_documents,
					bytes_str(out->key), &v) &&
			v.channel == PAGE_CHANNEL_DEFAULT);
	return more;
}

void page_list(struct command_run *run)
{
	command_walk_start(run, page_row_look);
}

/* The default first, then by name. */
static void group_row_put(json_t *list, json_t *row)
{
	const char *name = json_text(row, "name");
	bool first = json_is_true(json_object_get(row, "default"));
	size_t at = 0;

	while (at < json_array_size(list)) {
		const json_t *other = json_array_get(list, at);
		bool before = json_is_true(json_object_get(other, "default"));

		if (first != before ? first : strcmp(name, json_text(other, "name")) < 0)
			break;
		at++;
	}
	(void)json_array_insert_new(list, at, row);
}

static json_t *group_row(const struct node *n, const char *tenant, const struct page_value *v,
			 const struct page_choice_value *c)
{
	bool first = c && c->default_group[0] ? !strcmp(c->default_group, v->name)
					      : v->channel == PAGE_CHANNEL_DEFAULT;
	char label[PAGE_LABEL_MAX], number[COMMAND_USER_MAX];

	page_label(label, v);
	page_number(n, tenant, v->name, number);
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:b, s:b, s:b}", "name", v->name, "label",
			 label, "description", v->description, "channel", (int)v->channel, "number",
			 number, "heard", (int)page_is_wanted(c, v), "always",
			 (int)(page_priority_of(v) == PAGE_EMERGENCY), "default", (int)first);
}

void page_choice_get(struct command_run *run)
{
	static struct page_value v;
	static const char head[] = "page/";
	struct page_choice_value none = { 0 };
	uint16_t tenant = document_tenant(run);
	struct bytes number = command_value(run, "number")->text;
	const struct page_choice_value *c = page_choice_find(tenant, number);
	json_t *view, *groups = json_array(), *sources, *unused;
	const char *source;

	(void)bytes_cstr(number, none.number, sizeof(none.number));
	if (!extensions_has(run->node->api.extensions, tenant, number)) {
		json_decref(groups);
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return;
	}
	sources = groups_of(run->node, tenant, none.number);
	json_object_foreach(sources, source, unused)
	{
		if (!strncmp(source, head, sizeof(head) - 1) &&
		    document_stored(run->node, run->tenant, &g_page_documents,
				    bytes_str(source + sizeof(head) - 1), &v))
			group_row_put(groups, group_row(run->node, run->tenant, &v, c));
	}
	json_decref(sources);
	view = form_view(&g_page_choice_form, c ? c : &none);
	(void)json_object_set_new(view, "groups", groups);
	command_answer(run, view);
}
