/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents that come from Redis: at a start, and whenever a node has changed one. Each is read by
 * its kind, put into effect, and kept in memory and on disk (document_keep.c). A document that
 * cannot be read, or has no place, is logged and leaves what was there. The list of kinds is here,
 * too, in the order in which they are loaded.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/node/node.h"
#include "app/schema/feature.h"
#include "base/log.h"

static int unread_log(const struct document_kind *kind, const struct snapshot_document *d, int err,
		      const char *reason)
{
	if (err == -EBADMSG) {
		LOG_ERROR("node", 0, "a document is broken", LOG_BYTES("tenant", d->tenant),
			  LOG_STR("kind", kind->name), LOG_BYTES("name", d->name),
			  LOG_STR("member", reason));
	} else if (err == -EPROTONOSUPPORT) {
		LOG_ERROR("node", 0, "a document is of a later program",
			  LOG_BYTES("tenant", d->tenant), LOG_STR("kind", kind->name),
			  LOG_BYTES("name", d->name));
	} else if (err == -ENOENT) {
		LOG_ERROR("node", 0, "a document of a tenant that is not there",
			  LOG_BYTES("tenant", d->tenant), LOG_STR("kind", kind->name),
			  LOG_BYTES("name", d->name));
	} else if (err) {
		LOG_ERROR("node", 0, "no place for a document", LOG_BYTES("tenant", d->tenant),
			  LOG_STR("kind", kind->name), LOG_BYTES("name", d->name),
			  LOG_STR("error", strerror(-err)));
	}
	return err;
}

static int document_apply(struct node *node, const struct document_kind *kind,
			  const struct snapshot_document *d)
{
	uint16_t tenant = tenants_find(node->common.tenants, d->tenant);
	const char *reason = "";
	void *value = calloc(1, kind->size);
	int err = value ? document_value(node, kind, value, d->text, &reason) : -ENOMEM;

	if (!err && !kind->of_operators && tenant == TENANT_NONE)
		err = -ENOENT;
	if (!err)
		err = kind->apply(node, tenant, value);
	if (!err)
		references_note(node, kind, d, value);
	if (value)
		explicit_bzero(value, kind->size);
	free(value);
	return unread_log(kind, d, err, reason);
}

int document_load(struct node *node, const struct snapshot_document *d)
{
	int err = document_apply(node, node->api.documents->loading, d), kept;

	if (err == -EBADMSG || err == -EPROTONOSUPPORT)
		return err;
	kept = document_keep_put(node, d);
	document_keep_note(node, d, kept ? kept : err);
	return 0;
}

static void document_forget(struct node *node, const struct document_kind *kind,
			    const struct snapshot_document *d)
{
	uint16_t tenant = tenants_find(node->common.tenants, d->tenant);
	char text[DOCUMENT_NAME_MAX];

	if ((kind->of_operators || tenant != TENANT_NONE) &&
	    !bytes_cstr(d->name, text, sizeof(text)))
		kind->forget(node, tenant, text);
}

const struct document_kind *g_document_kinds[STORE_KINDS_MAX + 1];

void document_setup(void)
{
	size_t count = 0;

	FEATURE_EACH (f) {
		for (size_t i = 0; f->documents && f->documents[i]; i++) {
			size_t place = count++;

			assert(count <= STORE_KINDS_MAX);
			for (; place && g_document_kinds[place - 1]->rank > f->documents[i]->rank;
			     place--)
				g_document_kinds[place] = g_document_kinds[place - 1];
			g_document_kinds[place] = f->documents[i];
		}
	}
}

const struct document_kind *document_kind_find(struct bytes name)
{
	for (size_t i = 0; g_document_kinds[i]; i++) {
		if (bytes_is(name, g_document_kinds[i]->name))
			return g_document_kinds[i];
	}
	return NULL;
}

/* One has gone: another one without a place may get it. */
static void document_place(struct node *node, const struct document_kind *kind)
{
	struct snapshot_document d;
	int err;

	if (!document_keep_unplaced(node, kind->name, &d))
		return;
	err = document_apply(node, kind, &d);
	document_keep_note(node, &d, err);
}

int document_accept(struct node *node, const struct snapshot_document *d)
{
	const struct document_kind *kind = document_kind_find(d->kind);
	int err;

	if (!kind || kind->of_operators != bytes_is(d->tenant, DIRECTORY_OPERATORS))
		return 0; /* of a later program: nothing here needs it */
	err = document_keep_put(node, d);
	if (d->text.n) {
		int applied = document_apply(node, kind, d);

		document_keep_note(node, d, err ? err : applied);
		return applied;
	}
	document_keep_note(node, d, 0);
	references_note(node, kind, d, NULL);
	document_forget(node, kind, d);
	document_place(node, kind);
	return 0;
}
