/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the class inetOrgPerson (RFC 2798), made of rows of contact.list and directory.list,
 * and the filters that are asked of them. Names compare as searches for contacts do, without case
 * and accents; numbers by their digits, whole ones also in the form by which contacts are found. A
 * filter also says which text to look for, so that a book is not read from end to end for each
 * letter that is typed at a phone.
 */
#include <stdio.h>
#include <string.h>

#include "app/feature/ldap/ldap.h"
#include "base/json_member.h"
#include "sig/host/name_index.h"

enum { NORMAL_UNKNOWN = 0xff };

/* What an attribute holds. */
enum ldap_kind { KIND_NONE, KIND_NAME, KIND_TEXT, KIND_NUMBER, KIND_CLASS };

static const struct {
	const char *name, *other; /* NULL: it has one name */
	enum ldap_kind kind;
} g_attributes[] = {
	{ "objectClass", NULL, KIND_CLASS },
	{ "cn", "commonName", KIND_NAME },
	{ "sn", "surname", KIND_NAME },
	{ "givenName", "gn", KIND_NAME },
	{ "displayName", NULL, KIND_NAME },
	{ "o", "organizationName", KIND_TEXT },
	{ "ou", "department", KIND_TEXT },
	{ "title", NULL, KIND_TEXT },
	{ "mail", "rfc822Mailbox", KIND_TEXT },
	{ "uid", "userid", KIND_TEXT },
	{ "telephoneNumber", NULL, KIND_NUMBER },
	{ "mobile", "mobileTelephoneNumber", KIND_NUMBER },
	{ "homePhone", "homeTelephoneNumber", KIND_NUMBER },
	{ "pager", "pagerTelephoneNumber", KIND_NUMBER },
	{ "facsimileTelephoneNumber", "fax", KIND_NUMBER },
};

static const char *const g_classes[] = { "top", "person", "organizationalPerson", "inetOrgPerson" };

/* Its first name; NULL: none of these. */
static const char *attribute_find(struct bytes name, enum ldap_kind *kind)
{
	for (size_t i = 0; i < COUNT_OF(g_attributes); i++) {
		if (bytes_iis(name, g_attributes[i].name) ||
		    (g_attributes[i].other && bytes_iis(name, g_attributes[i].other))) {
			*kind = g_attributes[i].kind;
			return g_attributes[i].name;
		}
	}
	*kind = KIND_NONE;
	return NULL;
}

/* ---- entries ---- */

static void entry_value_add(struct ldap_entry *e, const char *name, struct bytes value)
{
	if (value.n && e->count < LDAP_VALUES_MAX)
		e->values[e->count++] = (struct ldap_value){ name, value };
}

static void entry_text_add(struct ldap_entry *e, const char *name, const json_t *row,
			   const char *member)
{
	entry_value_add(e, name, bytes_str(json_text(row, member)));
}

/* As it is dialled, without what people write between digits. Letters stay. */
static struct bytes number_digits(struct bytes number, struct writer *w)
{
	size_t from = w->n;

	for (size_t i = 0; i < number.n; i++) {
		uint8_t c = number.p[i];

		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			return number;
		if (c && (strchr("0123456789*#", c) || (c == '+' && w->n == from)))
			writer_u8(w, c);
	}
	return w->overflow ? number : bytes_mem(w->p + from, w->n - from);
}

static void entry_number_add(struct ldap_entry *e, const char *name, const char *number)
{
	struct writer w = writer_over(e->room + e->used, sizeof(e->room) - e->used);
	struct bytes digits = number_digits(bytes_str(number), &w);

	for (uint32_t i = 0; i < e->count; i++) {
		if (!strcmp(e->values[i].name, name) && bytes_eq(e->values[i].value, digits))
			return;
	}
	e->used += w.n;
	entry_value_add(e, name, digits);
}

static const char *phone_attribute(const char *kind)
{
	return !strcmp(kind, "mobile")  ? "mobile"
	       : !strcmp(kind, "home")  ? "homePhone"
	       : !strcmp(kind, "pager") ? "pager"
	       : !strcmp(kind, "fax")   ? "facsimileTelephoneNumber"
					: "telephoneNumber";
}

/* The number at which it is called comes first, of whichever kind. */
static void entry_numbers_add(struct ldap_entry *e, const json_t *row)
{
	const json_t *phones = json_object_get(row, "phones"), *one;
	const char *first = json_text(row, "number");
	struct bytes dids = bytes_str(json_text(row, "dids")), did;
	char text[64];
	size_t i;

	if (!json_array_size(phones))
		entry_number_add(e, "telephoneNumber", first);
	json_array_foreach(phones, i, one)
	{
		if (!strcmp(json_text(one, "number"), first))
			entry_number_add(e, phone_attribute(json_text(one, "kind")), first);
	}
	json_array_foreach(phones, i, one) entry_number_add(
		e, phone_attribute(json_text(one, "kind")), json_text(one, "number"));
	while (bytes_cut(&dids, ',', &did)) {
		if (!bytes_cstr(bytes_trim(did), text, sizeof(text)))
			entry_number_add(e, "telephoneNumber", text);
	}
}

/* RFC 4514 2.4 */
static void dn_write(struct writer *w, const char *value)
{
	for (const char *at = value; *at; at++) {
		if (strchr(",+\"\\<>;=#", *at))
			writer_u8(w, '\\');
		writer_u8(w, (uint8_t)*at);
	}
}

static void entry_dn(struct ldap_entry *e, const json_t *row, const char *tenant, bool own)
{
	struct writer w = writer_over(e->dn, sizeof(e->dn) - 1);
	const char *id = json_text(row, own ? "contact" : "id");

	(void)snprintf(e->id, sizeof(e->id), "%s", id);
	writer_str(&w, "uid=");
	dn_write(&w, e->id);
	WRITER_TEXTS(&w, ",ou=", own ? "contacts" : "directory", ",o=");
	dn_write(&w, tenant);
	e->dn[w.n] = '\0';
}

bool ldap_entry_make(struct ldap_entry *out, const json_t *row, const char *tenant, bool own)
{
	const json_t *mails = json_object_get(row, "emails"), *one;
	const char *name = json_text(row, "name"), *last = json_text(row, "last_name");
	size_t i;

	out->count = 0;
	out->used = out->folded_used = 0;
	memset(out->folded, 0, sizeof(out->folded));
	memset(out->normal_count, NORMAL_UNKNOWN, sizeof(out->normal_count));
	if (!name[0])
		name = json_text(row, "number");
	if (!name[0])
		return false;
	entry_dn(out, row, tenant, own);
	for (i = 0; i < COUNT_OF(g_classes); i++)
		entry_value_add(out, "objectClass", bytes_str(g_classes[i]));
	entry_value_add(out, "cn", bytes_str(name));
	entry_value_add(out, "sn",
			bytes_str(last[0] ? last : name)); /* inetOrgPerson must have one */
	entry_text_add(out, "givenName", row, "first_name");
	entry_value_add(out, "displayName", bytes_str(name));
	entry_text_add(out, "o", row, "company");
	entry_text_add(out, "ou", row, "department");
	entry_text_add(out, "title", row, "title");
	entry_text_add(out, "mail", row, "mail");
	json_array_foreach(mails, i, one) entry_text_add(out, "mail", one, "address");
	entry_value_add(out, "uid", bytes_str(out->id));
	entry_numbers_add(out, row);
	return true;
}

/* ---- filters ---- */

/* As it is compared; what overflows is as long as it was. */
static struct bytes value_fold(struct writer *w, struct bytes value, enum ldap_kind kind)
{
	size_t from = w->n;

	if (kind == KIND_NUMBER)
		return number_digits(value, w);
	name_fold(w, bytes_sub(value, 0, LDAP_FOLDED_MAX));
	return w->overflow ? value : bytes_mem(w->p + from, w->n - from);
}

/* As contacts are found by their numbers: 0170, +49170 and 0049170 are one. */
static void node_normalize(struct ldap_node *node, const struct dial_plan *plan, struct writer *w)
{
	char forms[CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX];
	uint32_t n = contact_normal(plan, node->value, forms);

	for (uint32_t i = 0; i < n; i++) {
		node->normal[i] = bytes_mem(w->p + w->n, strlen(forms[i]));
		writer_str(w, forms[i]);
	}
}

bool ldap_filter_fold(struct ldap_request *q, const struct dial_plan *plan,
		      char room[LDAP_FILTER_ROOM])
{
	struct writer w = writer_over(room, LDAP_FILTER_ROOM);
	enum ldap_kind kind;

	for (uint32_t i = 0; i < q->node_count; i++) {
		struct ldap_node *node = &q->nodes[i];

		(void)attribute_find(node->name, &kind);
		if (kind == KIND_NUMBER && node->test == LDAP_TEST_EQUAL)
			node_normalize(node, plan, &w);
		if (node->value.n)
			node->value = value_fold(&w, node->value, kind);
	}
	return !w.overflow;
}

/* Each is folded once, however many nodes ask for it. */
static struct bytes entry_folded(struct ldap_entry *e, uint32_t at, enum ldap_kind kind)
{
	struct writer w = writer_over(e->folded_room + e->folded_used,
				      sizeof(e->folded_room) - e->folded_used);

	if (!e->folded[at].p) {
		e->folded[at] = value_fold(&w, e->values[at].value, kind);
		e->folded_used += w.overflow ? 0 : w.n;
	}
	return e->folded[at];
}

/* The rest of text behind what is looked for; false: it is not there. */
static bool substring_skip(struct bytes *text, enum ldap_test test, struct bytes part)
{
	const uint8_t *at;

	if (part.n > text->n)
		return false;
	if (test == LDAP_TEST_INITIAL)
		at = memcmp(text->p, part.p, part.n) ? NULL : text->p;
	else if (test == LDAP_TEST_FINAL)
		at = memcmp(text->p + text->n - part.n, part.p, part.n)
			     ? NULL
			     : text->p + text->n - part.n;
	else
		at = memmem(text->p, text->n, part.p, part.n);
	if (at)
		*text = bytes_from(*text, (size_t)(at - text->p) + part.n);
	return at != NULL;
}

static bool ldap_value_matches(const struct ldap_node *node, struct bytes has)
{
	if (node->test == LDAP_TEST_EQUAL)
		return bytes_eq(has, node->value);
	for (uint32_t i = 1; i < node->size; i++) {
		/* of "(0)170" nothing is left of a part that is no number */
		if (!node[i].value.n || !substring_skip(&has, node[i].test, node[i].value))
			return false;
	}
	return true;
}

/* The forms of a value are found once, however many nodes ask for it. */
static bool number_is_same(const struct ldap_node *node, struct ldap_entry *e, uint32_t at,
			   const struct dial_plan *plan)
{
	if (!node->normal[0].n)
		return false;
	if (e->normal_count[at] == NORMAL_UNKNOWN)
		e->normal_count[at] =
			(uint8_t)contact_normal(plan, e->values[at].value, e->normal[at]);
	for (uint32_t i = 0; i < e->normal_count[at]; i++) {
		for (size_t k = 0; k < CONTACT_NORMAL_FORMS; k++) {
			if (bytes_is(node->normal[k], e->normal[at][i]))
				return true;
		}
	}
	return false;
}

enum ldap_truth { IS_FALSE, IS_UNDEFINED, IS_TRUE }; /* in this order: and, or are least, most */

static enum ldap_truth leaf_truth(struct ldap_entry *e, const struct ldap_node *node,
				  const struct dial_plan *plan)
{
	enum ldap_kind kind;
	const char *name = attribute_find(node->name, &kind);

	if (node->test == LDAP_TEST_UNDEFINED || (!name && node->test != LDAP_TEST_PRESENT))
		return IS_UNDEFINED;
	for (uint32_t i = 0; name && i < e->count; i++) {
		if (!strcmp(e->values[i].name, name) &&
		    (node->test == LDAP_TEST_PRESENT ||
		     ldap_value_matches(node, entry_folded(e, i, kind)) ||
		     number_is_same(node, e, i, plan)))
			return IS_TRUE;
	}
	return IS_FALSE;
}

static enum ldap_truth set_truth(const struct ldap_node *node, const enum ldap_truth *truth)
{
	enum ldap_truth found = node->test == LDAP_TEST_OR ? IS_FALSE : IS_TRUE;

	if (node->test == LDAP_TEST_NOT)
		return (enum ldap_truth)(IS_TRUE - truth[1]);
	for (uint32_t i = 1; i < node->size; i += node[i].size) {
		if (node->test == LDAP_TEST_AND ? truth[i] < found : truth[i] > found)
			found = truth[i];
	}
	return found;
}

static bool node_is_set(const struct ldap_node *node)
{
	return node->test == LDAP_TEST_AND || node->test == LDAP_TEST_OR ||
	       node->test == LDAP_TEST_NOT;
}

/* From the last node on: what is below one is known then. */
bool ldap_entry_matches(struct ldap_entry *e, const struct ldap_request *q,
			const struct dial_plan *plan)
{
	enum ldap_truth truth[LDAP_NODES_MAX];

	for (uint32_t i = q->node_count; i-- > 0;) {
		const struct ldap_node *node = &q->nodes[i];

		if (node->test >= LDAP_TEST_INITIAL)
			continue;
		truth[i] =
			node_is_set(node) ? set_truth(node, &truth[i]) : leaf_truth(e, node, plan);
	}
	return q->node_count && truth[0] == IS_TRUE;
}

/* ---- what to look for ---- */

struct hint {
	enum ldap_hint kind;
	struct bytes text;
};

static bool has_letters(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if ((text.p[i] | 0x20) >= 'a' && (text.p[i] | 0x20) <= 'z')
			return true;
	}
	return false;
}

/* Its longest part. */
static struct bytes leaf_text(const struct ldap_node *node)
{
	struct bytes longest = node->value;

	for (uint32_t i = 1; i < node->size; i++) {
		if (node[i].value.n > longest.n)
			longest = node[i].value;
	}
	return longest;
}

/* A search is through the names of all rows alone. Numbers of extensions have no letters, and those
 * of contacts that have are links, which no phone looks for. */
static struct hint leaf_hint(const struct ldap_node *node)
{
	struct bytes text = leaf_text(node);
	enum ldap_kind kind;

	(void)attribute_find(node->name, &kind);
	if (node->test == LDAP_TEST_PRESENT)
		return (struct hint){ .kind = kind ? LDAP_HINT_NONE : LDAP_HINT_NEVER };
	if (node->test == LDAP_TEST_UNDEFINED || kind == KIND_NONE)
		return (struct hint){ .kind = LDAP_HINT_NEVER };
	if (kind == KIND_NUMBER && has_letters(text))
		return (struct hint){ .kind = LDAP_HINT_NEVER };
	if (kind == KIND_NAME && text.n && text.n < LDAP_HINT_MAX)
		return (struct hint){ LDAP_HINT_TEXT, text };
	return (struct hint){ .kind = LDAP_HINT_NONE };
}

static struct hint set_hint(const struct ldap_node *node, const struct hint *below)
{
	struct hint found = { .kind = node->test == LDAP_TEST_OR ? LDAP_HINT_NEVER
								 : LDAP_HINT_NONE };

	if (node->test == LDAP_TEST_NOT)
		return found;
	for (uint32_t i = 1; i < node->size; i += node[i].size) {
		const struct hint *one = &below[i];

		if (node->test == LDAP_TEST_AND && one->kind == LDAP_HINT_NEVER)
			return *one;
		if (node->test == LDAP_TEST_AND && one->kind == LDAP_HINT_TEXT &&
		    one->text.n > found.text.n)
			found = *one;
		if (node->test == LDAP_TEST_OR && one->kind == LDAP_HINT_NONE)
			return *one;
		if (node->test == LDAP_TEST_OR && one->kind == LDAP_HINT_TEXT) {
			if (found.kind == LDAP_HINT_TEXT && !bytes_ieq(found.text, one->text))
				return (struct hint){ .kind = LDAP_HINT_NONE };
			found = *one;
		}
	}
	return found;
}

enum ldap_hint ldap_filter_hint(const struct ldap_request *q, char out[LDAP_HINT_MAX])
{
	struct hint hints[LDAP_NODES_MAX] = { 0 };

	for (uint32_t i = q->node_count; i-- > 0;)
		hints[i] = node_is_set(&q->nodes[i]) ? set_hint(&q->nodes[i], &hints[i])
						     : leaf_hint(&q->nodes[i]);
	out[0] = '\0';
	if (hints[0].kind != LDAP_HINT_TEXT)
		return hints[0].kind;
	for (size_t i = 0; i < hints[0].text.n; i++) {
		if (hints[0].text.p[i] < 0x20 || hints[0].text.p[i] == 0x7f)
			return LDAP_HINT_NONE;
	}
	(void)bytes_cstr(hints[0].text, out, LDAP_HINT_MAX);
	return LDAP_HINT_TEXT;
}
