/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses requests of LDAP (RFC 4511). liblber reads each element; what it finds stays in the
 * message as a slice. A filter becomes a list of nodes, with a stack of bounded depth. What comes
 * is of anybody who reaches the port: this is fuzzed.
 */
#include <errno.h>
#include <lber.h>
#include <stdio.h>
#include <string.h>

#include "app/feature/ldap/ldap.h"

enum {
	TAG_INTEGER = 0x02,
	TAG_OCTETS = 0x04,
	TAG_BOOLEAN = 0x01,
	TAG_ENUM = 0x0a,
	TAG_SEQUENCE = 0x30,
	TAG_CONTROLS = 0xa0,
	TAG_SIMPLE = 0x80, /* and the name of an extended request */
};

/* RFC 4511 4: requests, and what answers each. */
static const struct {
	uint8_t tag, answer;
	enum ldap_op op;
} g_ops[] = {
	{ 0x60, 0x61, LDAP_OP_BIND },   { 0x42, 0, LDAP_OP_UNBIND },
	{ 0x63, 0x65, LDAP_OP_SEARCH }, { 0x66, 0x67, LDAP_OP_OTHER },
	{ 0x68, 0x69, LDAP_OP_OTHER },  { 0x4a, 0x6b, LDAP_OP_OTHER },
	{ 0x6c, 0x6d, LDAP_OP_OTHER },  { 0x6e, 0x6f, LDAP_OP_OTHER },
	{ 0x50, 0, LDAP_OP_ABANDON },   { 0x77, 0x78, LDAP_OP_EXTENDED },
};

int ldap_message_length(struct bytes in)
{
	size_t n, octets;

	if (in.n && in.p[0] != TAG_SEQUENCE)
		return -EBADMSG;
	if (in.n < 2)
		return 0;
	n = in.p[1];
	octets = n & 0x80 ? n & 0x7f : 0;
	if (octets > 4 || n == 0x80)
		return -EBADMSG;
	if (in.n < 2 + octets)
		return 0;
	if (octets)
		n = 0;
	for (size_t i = 0; i < octets; i++)
		n = n << 8 | in.p[2 + i];
	n += 2 + octets;
	if (n > LDAP_MESSAGE_MAX)
		return -EBADMSG;
	return n <= in.n ? (int)n : 0;
}

/* Reads the next element, and sets *rest to what follows it. Returns its tag, or -1. */
static int element_next(struct bytes *rest, struct bytes *content)
{
	BerElement *ber = rest->n ? ber_alloc_t(LBER_USE_DER) : NULL;
	struct berval all = { rest->n, (char *)(uintptr_t)rest->p }, one = { 0, NULL };
	ber_tag_t tag;

	if (!ber)
		return -1;
	ber_init2(ber, &all, LBER_USE_DER);
	tag = ber_peek_element(ber, &one); /* skipping it reads the octet behind it */
	ber_free(ber, 0);                  /* and not what it was over */
	if (tag == LBER_DEFAULT || tag > 0xff || !one.bv_val)
		return -1;
	*content = bytes_mem(one.bv_val, one.bv_len);
	*rest = bytes_from(*rest, (size_t)((const uint8_t *)one.bv_val - rest->p) + one.bv_len);
	return (int)tag;
}

/* Reads the next element, which must have that tag. */
static bool ber_element_read(struct bytes *rest, int tag, struct bytes *content)
{
	return element_next(rest, content) == tag;
}

/* Reads a number. Those of LDAP are not negative, and have at most 31 bits. */
static bool ber_number_read(struct bytes *rest, int tag, int32_t *out)
{
	struct bytes content;
	uint64_t n = 0;

	if (!ber_element_read(rest, tag, &content) || !content.n || content.n > 5 ||
	    content.p[0] & 0x80)
		return false;
	for (size_t i = 0; i < content.n; i++)
		n = n << 8 | content.p[i];
	*out = (int32_t)n;
	return n <= INT32_MAX;
}

/* ---- filters ---- */

struct filter_stack {
	struct bytes rest[LDAP_DEPTH_MAX]; /* of what is open, */
	uint8_t node[LDAP_DEPTH_MAX];      /* and its node */
	uint32_t depth;
};

static struct ldap_node *filter_node_add(struct ldap_request *out, enum ldap_test test)
{
	struct ldap_node *node = &out->nodes[out->node_count];

	if (out->node_count == LDAP_NODES_MAX)
		return NULL;
	out->node_count++;
	*node = (struct ldap_node){ .test = test, .size = 1 };
	return node;
}

static bool substrings_read(struct ldap_request *out, struct bytes content)
{
	struct ldap_node *all = filter_node_add(out, LDAP_TEST_SUBSTRINGS), *one;
	uint32_t from = out->node_count;
	struct bytes list, part;
	int last = 0x7f, tag;

	if (!all || !ber_element_read(&content, TAG_OCTETS, &all->name) ||
	    !ber_element_read(&content, TAG_SEQUENCE, &list) || content.n)
		return false;
	while (list.n) { /* initial first, final last */
		tag = element_next(&list, &part);
		if (tag < 0x80 || tag > 0x82 || !part.n || last == 0x82 ||
		    (tag == 0x80 && last != 0x7f))
			return false;
		last = tag;
		one = filter_node_add(out, (enum ldap_test)(LDAP_TEST_INITIAL + (tag - 0x80)));
		if (!one)
			return false;
		one->name = all->name;
		one->value = part;
	}
	all->size = (uint8_t)(1 + out->node_count - from);
	return out->node_count > from;
}

static bool equality_read(struct ldap_request *out, struct bytes content, enum ldap_test test)
{
	struct ldap_node *node = filter_node_add(out, test);

	return node && ber_element_read(&content, TAG_OCTETS, &node->name) &&
	       ber_element_read(&content, TAG_OCTETS, &node->value) && !content.n;
}

/* Reads one element of a filter. A filter with others below goes onto the stack. */
static bool filter_step(struct ldap_request *out, struct filter_stack *s, int tag,
			struct bytes content)
{
	static const enum ldap_test sets[] = { LDAP_TEST_AND, LDAP_TEST_OR, LDAP_TEST_NOT };
	struct ldap_node *node;

	switch (tag) {
	case 0xa0:
	case 0xa1:
	case 0xa2:
		if (s->depth == LDAP_DEPTH_MAX)
			return false;
		s->node[s->depth] = (uint8_t)out->node_count;
		s->rest[s->depth++] = content;
		return filter_node_add(out, sets[tag - 0xa0]) && (tag != 0xa2 || content.n);
	case 0xa3:
	case 0xa8:
		return equality_read(out, content, LDAP_TEST_EQUAL);
	case 0xa4:
		return substrings_read(out, content);
	case 0xa5:
	case 0xa6:
		return equality_read(out, content, LDAP_TEST_UNDEFINED);
	case 0x87:
		node = filter_node_add(out, LDAP_TEST_PRESENT);
		if (node)
			node->name = content;
		return node;
	case 0xa9:
		return filter_node_add(out, LDAP_TEST_UNDEFINED);
	default:
		return false;
	}
}

/* Closes the innermost filter. Returns false for a negation without exactly one filter below. */
static bool filter_close(struct ldap_request *out, struct filter_stack *s)
{
	struct ldap_node *node = &out->nodes[s->node[--s->depth]];

	node->size = (uint8_t)(out->node_count - s->node[s->depth]);
	return node->test != LDAP_TEST_NOT || node[1].size + 1 == node->size;
}

static bool ldap_filter_read(struct ldap_request *out, struct bytes *rest)
{
	struct filter_stack s = { .depth = 0 };
	struct bytes content = { 0 };
	int tag = element_next(rest, &content);
	bool ok = filter_step(out, &s, tag, content);

	while (ok && s.depth) {
		struct bytes *open = &s.rest[s.depth - 1];

		if (!open->n) {
			ok = filter_close(out, &s);
			continue;
		}
		tag = element_next(open, &content);
		ok = filter_step(out, &s, tag, content);
	}
	return ok;
}

/* ---- requests ---- */

static bool bind_read(struct ldap_request *out, struct bytes rest)
{
	int tag;

	if (!ber_number_read(&rest, TAG_INTEGER, &out->version) ||
	    !ber_element_read(&rest, TAG_OCTETS, &out->name))
		return false;
	tag = element_next(&rest, &out->password);
	out->simple = tag == TAG_SIMPLE;
	return tag >= 0 && !rest.n;
}

static bool ldap_search_read(struct ldap_request *out, struct bytes rest)
{
	int32_t scope, deref, size, seconds;
	struct bytes types, names;

	if (!ber_element_read(&rest, TAG_OCTETS, &out->base) ||
	    !ber_number_read(&rest, TAG_ENUM, &scope) || scope > 2 ||
	    !ber_number_read(&rest, TAG_ENUM, &deref) || deref > 3 ||
	    !ber_number_read(&rest, TAG_INTEGER, &size) ||
	    !ber_number_read(&rest, TAG_INTEGER, &seconds) ||
	    !ber_element_read(&rest, TAG_BOOLEAN, &types) || types.n != 1 ||
	    !ldap_filter_read(out, &rest) || !ber_element_read(&rest, TAG_SEQUENCE, &names) ||
	    rest.n)
		return false;
	out->scope = (enum ldap_scope)scope;
	out->size_limit = (uint32_t)size;
	out->types_only = types.p[0] != 0;
	while (names.n) {
		if (out->name_count == LDAP_NAMES_MAX ||
		    !ber_element_read(&names, TAG_OCTETS, &out->names[out->name_count++]))
			return false;
	}
	return true;
}

/* Reads controls (RFC 4511 4.1.11). No control is known here. */
static bool controls_read(struct ldap_request *out, struct bytes list)
{
	struct bytes control, part;

	while (list.n) {
		if (!ber_element_read(&list, TAG_SEQUENCE, &control) ||
		    !ber_element_read(&control, TAG_OCTETS, &part))
			return false;
		if (control.n && control.p[0] == TAG_BOOLEAN) {
			if (!ber_element_read(&control, TAG_BOOLEAN, &part) || part.n != 1)
				return false;
			out->critical = out->critical || part.p[0];
		}
	}
	return true;
}

int ldap_request_parse(struct ldap_request *out, struct bytes message)
{
	struct bytes rest, content, controls;
	bool ok = true;
	int tag;

	*out = (struct ldap_request){ .op = LDAP_OP_OTHER };
	if (!ber_element_read(&message, TAG_SEQUENCE, &rest) || message.n ||
	    !ber_number_read(&rest, TAG_INTEGER, &out->id))
		return -EBADMSG;
	tag = element_next(&rest, &content);
	if (tag < 0)
		return -EBADMSG;
	for (size_t i = 0; i < COUNT_OF(g_ops); i++) {
		if (g_ops[i].tag != tag)
			continue;
		out->op = g_ops[i].op;
		out->answer_tag = g_ops[i].answer;
	}
	if (rest.n)
		ok = ber_element_read(&rest, TAG_CONTROLS, &controls) && !rest.n &&
		     controls_read(out, controls);
	if (ok && out->op == LDAP_OP_BIND)
		ok = bind_read(out, content);
	if (ok && out->op == LDAP_OP_EXTENDED)
		ok = ber_element_read(&content, TAG_SIMPLE, &out->name);
	if (ok && out->op == LDAP_OP_SEARCH)
		ok = ldap_search_read(out, content);
	return ok ? 0 : -EBADMSG;
}

/* ---- names ---- */

/* The next part of a DN: its attribute and value, without blanks around. A value with an escape is
 * none of ours. */
static bool dn_cut(struct bytes *rest, struct bytes *name, struct bytes *value)
{
	struct bytes part;

	if (memchr(rest->p ? (const char *)rest->p : "", '\\', rest->n) ||
	    !bytes_cut(rest, ',', &part))
		return false;
	*value = part;
	if (bytes_find(part, '=') == part.n || !bytes_cut(value, '=', name))
		return false;
	*name = bytes_trim(*name);
	*value = bytes_trim(*value);
	return name->n && value->n;
}

bool ldap_name_read(struct bytes name, char number[64], char tenant[32])
{
	struct bytes user = bytes_trim(name), rest = user, attribute, value, left;

	(void)snprintf(tenant, 32, "default");
	if (memchr(name.p ? (const char *)name.p : "", 0, name.n))
		return false;
	if (bytes_find(user, '=') < user.n) {
		if (!dn_cut(&rest, &attribute, &user) ||
		    (!bytes_iis(attribute, "uid") && !bytes_iis(attribute, "cn")))
			return false;
		while (dn_cut(&rest, &attribute, &value)) {
			if (bytes_iis(attribute, "o") && bytes_cstr(value, tenant, 32))
				return false;
		}
	}
	left = user;
	if (!bytes_cut(&left, '@', &user) || bytes_cstr(user, number, 64) || !number[0])
		return false;
	return !left.n || !bytes_cstr(left, tenant, 32);
}

enum ldap_place ldap_place_of(struct bytes base, const char *tenant, bool *own)
{
	struct bytes rest = bytes_trim(base), parts[3][2];
	size_t n = 0;

	*own = false;
	if (!rest.n)
		return LDAP_ROOT;
	while (rest.n && n < 3) {
		if (!dn_cut(&rest, &parts[n][0], &parts[n][1]))
			return LDAP_NOWHERE;
		n++;
	}
	if (rest.n || !bytes_iis(parts[n - 1][0], "o") || !bytes_iis(parts[n - 1][1], tenant))
		return LDAP_NOWHERE;
	if (n == 1)
		return LDAP_TREE;
	*own = bytes_iis(parts[n - 2][1], "contacts");
	if (!bytes_iis(parts[n - 2][0], "ou") ||
	    (!*own && !bytes_iis(parts[n - 2][1], "directory")))
		return LDAP_NOWHERE;
	return n == 3 ? LDAP_ENTRY : *own ? LDAP_CONTACTS : LDAP_DIRECTORY;
}
