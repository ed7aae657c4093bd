/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents as Redis has them, for `tandemctl backup` and `tandemctl restore`
 * (docs/guides/backup.md). Secrets stay sealed by the cluster's key: another node can read them
 * only with the same key files, and a document that it cannot read is refused before anything is
 * put.
 */
#include <stdio.h>
#include <string.h>

#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/schema/token_field.h"
#include "app/settings/settings.h"

enum { BACKUP_PAGE_OCTETS = 1 << 18, BACKUP_MARK = 8, BACKUP_KIND_BIT = 32 };

/* Says whether two nodes have the same key, and nothing of the key itself. */
static json_t *keys_mark(const struct node *n)
{
	uint8_t key[KEYS_LEN];
	char text[2 * BACKUP_MARK];
	struct writer w = writer_over(text, sizeof(text));

	keys_derive(&n->keys, "backup", key);
	writer_hex(&w, bytes_mem(key, BACKUP_MARK));
	explicit_bzero(key, sizeof(key));
	return json_stringn(text, w.n);
}

static json_t *document_row(const struct snapshot_document *d)
{
	return json_pack("{s:s%, s:s%, s:s%, s:o*}", "owner", d->tenant.p, d->tenant.n, "kind",
			 d->kind.p, d->kind.n, "name", d->name.p, d->name.n, "document",
			 json_loadb((const char *)d->text.p, d->text.n, 0, NULL));
}

/* A page has documents of one kind, and kinds come in the order of a start: tenants first. A
 * document that changes meanwhile is in one page or the next, as it keeps its place on the
 * mirror. */
void command_backup_read(struct command_run *run)
{
	const struct node *n = run->node;
	uint64_t at = command_value(run, "cursor")->number;
	size_t kind = 0, octets = 0;
	uint32_t cursor = (uint32_t)at;
	json_t *list = json_array(), *out;
	struct snapshot_document d;
	bool more = false;

	while (kind < at >> BACKUP_KIND_BIT && g_document_kinds[kind])
		kind++;
	while (g_document_kinds[kind] && octets < BACKUP_PAGE_OCTETS &&
	       (more = mirror_next(&n->api.documents->keep.mirror, &cursor, &d))) {
		if (!d.text.n || !bytes_is(d.kind, g_document_kinds[kind]->name))
			continue;
		octets += d.text.n;
		(void)json_array_append_new(list, document_row(&d));
	}
	if (!more) {
		kind += g_document_kinds[kind] != NULL;
		cursor = 0;
	}
	out = json_pack("{s:o, s:o, s:s, s:s}", "documents", list, "keys", keys_mark(n), "realm",
			document_realm(n, tenants_find(n->common.tenants, BYTES_LIT(NODE_TENANT))),
			"node", n->settings->node.name);
	if (out && g_document_kinds[kind])
		(void)json_object_set_new(
			out, "next", json_integer((json_int_t)kind << BACKUP_KIND_BIT | cursor));
	command_answer(run, out);
}

/* Redis has the same already. */
static bool backup_is_there(const struct command_run *run, struct bytes owner,
			    const struct document_kind *kind, const char *name, bool *is_new)
{
	struct bytes text = mirror_text(&run->node->api.documents->keep.mirror, owner,
					bytes_str(kind->name), bytes_str(name));
	json_t *there = json_loadb((const char *)text.p, text.n, 0, NULL);
	bool same = there && json_equal(there, command_value(run, "document")->json);

	*is_new = !text.n;
	json_decref(there);
	return same;
}

/* A limited token puts what its commands put, whether or not the kind has a command for that. */
static bool backup_may(struct command_run *run, const struct document_kind *kind)
{
	const struct command *command = command_put_of(kind->name);
	char put[DOCUMENT_NAME_MAX]; /* kinds without a command of an administrator, too */

	(void)snprintf(put, sizeof(put), "%s.put", kind->name);
	if (token_allows(command_right_of(run).patterns, command ? command->name : put))
		return true;
	command_fail(run, COMMAND_NOT_ALLOWED, "kind", "this token does not allow %s",
		     command ? command->name : put);
	return false;
}

void command_backup_restore(struct command_run *run)
{
	const struct document_kind *kind = document_kind_find(command_value(run, "kind")->text);
	struct bytes owner = command_value(run, "owner")->text;
	char name[DOCUMENT_NAME_MAX];
	bool is_new;

	if (!kind || kind->of_operators != bytes_is(owner, DIRECTORY_OPERATORS)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, kind ? "owner" : "kind",
			     kind ? "documents of the kind %s have another owner"
				  : "this program knows no documents of the kind %s",
			     kind ? kind->name
				  : json_string_value(json_object_get(run->args, "kind")));
		return;
	}
	if (!backup_may(run, kind) ||
	    !document_check_stored(run, kind, command_value(run, "document")->json, name))
		return;
	if (backup_is_there(run, owner, kind, name, &is_new)) {
		command_answer(run, json_pack("{s:s}", "change", "unchanged"));
	} else if (command_value(run, "dry_run")->number) {
		command_answer(run, json_pack("{s:s}", "change", is_new ? "created" : "changed"));
	} else if (!kind->of_operators &&
		   tenants_find(run->node->common.tenants, owner) == TENANT_NONE) {
		command_fail(run, COMMAND_NOT_FOUND, "owner",
			     "there is no such tenant: its own document comes first");
	} else {
		if (!kind->of_operators)
			(void)bytes_cstr(owner, run->tenant, sizeof(run->tenant));
		document_put_stored(run, kind, name);
	}
}
