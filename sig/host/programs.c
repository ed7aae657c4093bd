/* SPDX-License-Identifier: Apache-2.0 */
/* The flow programs of a node's tenants in memory (programs.h): by hash, by name, and by the
 * numbers and patterns that lead to a flow. A program in use by a call stays after its name means
 * another; an unused one stays for a while in a bounded list, least recently used first out.
 * Programs that are missing are loaded by the owner of the store on request. */

#include "sig/host/programs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/named.h"
#include "sig/host/tenant.h"

struct kept_program {
	struct flow_program *p;
	uint32_t names, calls;
	struct kept_program *older, *newer; /* among those that are idle */
};

enum { PROGRAM_KEY_MAX = 192 }; /* a tenant's name, and one of a flow, or a number */

/* A name of a tenant that means a program; or a number that leads to a flow of that name. Tenants
 * are named, not numbered here. */
struct program_name {
	uint16_t unused;
	char key[PROGRAM_KEY_MAX];
	struct kept_program *means;
	struct text flow;
};

/* Of a tenant: the numbers that are patterns. */
struct program_patterns {
	uint16_t unused;
	char tenant[PROGRAM_KEY_MAX];
	struct pattern_tree tree;
};

struct programs {
	struct table by_hash, by_name, by_number; /* pointers to those above */
	struct table patterns;                    /* struct program_patterns, by tenant */
	struct kept_program *oldest, *newest;
	uint32_t idle;
};

struct programs *programs_create(void)
{
	struct programs *t = calloc(1, sizeof(*t));

	if (t && (table_open(&t->by_hash, PROGRAMS_MAX) < 0 ||
		  table_open(&t->by_name, PROGRAMS_MAX) < 0 ||
		  table_open(&t->by_number, PROGRAMS_MAX) < 0 ||
		  table_open(&t->patterns, TENANTS_MAX) < 0)) {
		programs_free(t);
		return NULL;
	}
	return t;
}

static void *program_at(uint64_t value)
{
	return (void *)(uintptr_t)value;
}

static uint64_t value_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void program_let_go(struct kept_program *k)
{
	program_free(k->p);
	free(k);
}

void programs_free(struct programs *t)
{
	struct program_patterns *all;
	struct program_name *n;

	if (!t)
		return;
	for (uint32_t cursor = 0; (all = named_next(&t->patterns, &cursor));)
		pattern_tree_close(&all->tree);
	named_close(&t->patterns);
	for (uint32_t cursor = 0; (n = named_next(&t->by_number, &cursor));)
		text_clear(&n->flow);
	named_close(&t->by_name);
	named_close(&t->by_number);
	for (uint32_t i = 0; t->by_hash.slots && i <= t->by_hash.mask; i++)
		if (t->by_hash.slots[i].value)
			program_let_go(program_at(t->by_hash.slots[i].value));
	table_close(&t->by_hash);
	free(t);
}

/* A digest has its own eight octets as hash. */
static uint64_t hash_of_digest(const uint8_t hash[PROGRAM_HASH_LEN])
{
	return be64_get(hash);
}

static struct kept_program *program_find(const struct programs *t,
					 const uint8_t hash[PROGRAM_HASH_LEN])
{
	uint32_t cursor = 0;
	uint64_t value;

	while ((value = table_next(&t->by_hash, hash_of_digest(hash), &cursor)) != 0) {
		struct kept_program *k = program_at(value);

		if (memcmp(k->p->hash, hash, PROGRAM_HASH_LEN) == 0)
			return k;
	}
	return NULL;
}

/* No name of a tenant has a blank. Empty: it is too long. */
static struct bytes program_name_key(char space[PROGRAM_KEY_MAX], struct bytes tenant,
				     struct bytes name)
{
	struct writer w = writer_over(space, PROGRAM_KEY_MAX - 1);

	writer_bytes(&w, tenant);
	writer_str(&w, " ");
	writer_bytes(&w, name);
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

static struct program_name *program_name_find(const struct table *names, struct bytes tenant,
					      struct bytes name)
{
	char space[PROGRAM_KEY_MAX];

	return names->count ? named_find(names, 0, program_name_key(space, tenant, name)) : NULL;
}

/* The one that is there, or a new one. NULL: -*error. */
static struct program_name *program_name_put(struct table *names, struct bytes tenant,
					     struct bytes name, int *error)
{
	char space[PROGRAM_KEY_MAX];
	struct bytes key = program_name_key(space, tenant, name);

	*error = -ENOSPC;
	return key.n ? named_put(names, 0, key, sizeof(struct program_name), error) : NULL;
}

static void program_name_delete(struct table *names, struct program_name *n)
{
	named_remove(names, n);
	text_clear(&n->flow);
	free(n);
}

const struct flow_program *programs_find(const struct programs *t,
					 const uint8_t hash[PROGRAM_HASH_LEN])
{
	const struct kept_program *k = program_find(t, hash);

	return k ? k->p : NULL;
}

const struct flow_program *programs_named(const struct programs *t, struct bytes tenant,
					  struct bytes name)
{
	const struct program_name *n = program_name_find(&t->by_name, tenant, name);

	n = n ? n : program_name_find(&t->by_name, PROGRAMS_NODE, name);
	return n ? n->means->p : NULL;
}

/* ---- idle programs ---- */

static bool kept_is_idle(const struct kept_program *k)
{
	return k->names == 0 && k->calls == 0;
}

static void idle_unlink(struct programs *t, struct kept_program *k)
{
	*(k->older ? &k->older->newer : &t->oldest) = k->newer;
	*(k->newer ? &k->newer->older : &t->newest) = k->older;
	k->older = k->newer = NULL;
	t->idle--;
}

/* Its first use begins, or its last one ends. */
static void kept_use(struct programs *t, struct kept_program *k, uint32_t *counter)
{
	if (kept_is_idle(k))
		idle_unlink(t, k);
	++*counter;
}

static void kept_rest(struct programs *t, struct kept_program *k)
{
	k->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = k;
	t->newest = k;
	if (++t->idle <= PROGRAMS_IDLE_MAX)
		return;
	k = t->oldest;
	idle_unlink(t, k);
	(void)table_del(&t->by_hash, hash_of_digest(k->p->hash), value_of(k));
	program_let_go(k);
}

static void kept_unuse(struct programs *t, struct kept_program *k, uint32_t *counter)
{
	assert(*counter > 0);
	--*counter;
	if (kept_is_idle(k))
		kept_rest(t, k);
}

void programs_hold(struct programs *t, const uint8_t hash[PROGRAM_HASH_LEN])
{
	struct kept_program *k = program_find(t, hash);

	if (k)
		kept_use(t, k, &k->calls);
}

void programs_release(struct programs *t, const uint8_t hash[PROGRAM_HASH_LEN])
{
	struct kept_program *k = program_find(t, hash);

	if (k && k->calls > 0)
		kept_unuse(t, k, &k->calls);
}

/* ---- what comes and goes ---- */

/* The one that is here with its hash, or p, which is idle then. It owns p. NULL: -*error. */
static struct kept_program *kept_put(struct programs *t, struct flow_program *p, int *error)
{
	struct kept_program *k = program_find(t, p->hash);

	if (k) {
		program_free(p);
		return k;
	}
	k = calloc(1, sizeof(*k));
	*error = k ? table_put(&t->by_hash, hash_of_digest(p->hash), value_of(k)) : -ENOMEM;
	if (*error < 0) {
		program_free(p);
		free(k);
		return NULL;
	}
	k->p = p;
	kept_rest(t, k);
	return k;
}

int programs_put(struct programs *t, struct bytes tenant, struct bytes name, struct flow_program *p)
{
	struct kept_program *k, *former;
	struct program_name *n;
	int error = 0;

	k = kept_put(t, p, &error);
	if (!k || name.n == 0)
		return error;
	n = program_name_put(&t->by_name, tenant, name, &error);
	if (!n)
		return error;
	former = n->means;
	kept_use(t, k, &k->names);
	n->means = k;
	if (former)
		kept_unuse(t, former, &former->names);
	return 0;
}

void programs_delete(struct programs *t, struct bytes tenant, struct bytes name)
{
	struct program_name *n = program_name_find(&t->by_name, tenant, name);

	if (!n)
		return;
	kept_unuse(t, n->means, &n->means->names);
	program_name_delete(&t->by_name, n);
}

/* ---- numbers ---- */

bool programs_pattern(struct bytes number, struct pattern *out)
{
	const char *unused;
	bool any = bytes_find(number, 'x') < number.n || bytes_find(number, 'X') < number.n;

	return any && !pattern_read(out, number, &unused);
}

static int pattern_name_order(const void *a, const void *b)
{
	return strcmp(((const struct program_name *)a)->key, ((const struct program_name *)b)->key);
}

static bool pattern_any(const void *item, const void *arg)
{
	(void)item;
	(void)arg;
	return true;
}

struct bytes programs_number_exact(const struct programs *t, struct bytes tenant,
				   struct bytes number)
{
	const struct program_name *n = program_name_find(&t->by_number, tenant, number);

	return n ? text_bytes(&n->flow) : (struct bytes){ 0 };
}

bool programs_numbers(const struct programs *t, uint32_t *cursor, struct bytes *tenant,
		      struct bytes *number, struct bytes *flow)
{
	const struct program_name *n = named_next(&t->by_number, cursor);

	if (!n)
		return false;
	*number = bytes_str(n->key);
	*flow = text_bytes(&n->flow);
	return bytes_cut(number, ' ', tenant);
}

struct bytes programs_number(const struct programs *t, struct bytes tenant, struct bytes number)
{
	const struct program_patterns *all =
		t->patterns.count ? named_find(&t->patterns, 0, tenant) : NULL;
	const struct program_name *n = program_name_find(&t->by_number, tenant, number);

	if (!n && all)
		n = pattern_tree_find(&all->tree, number, pattern_any, NULL);
	n = n ? n : program_name_find(&t->by_number, PROGRAMS_NODE, number);
	return n ? text_bytes(&n->flow) : (struct bytes){ 0 };
}

struct bytes programs_pattern_met(const struct programs *t, struct bytes tenant,
				  struct bytes number, const struct pattern *p)
{
	char space[PROGRAM_KEY_MAX] = "";
	struct bytes before = program_name_key(space, tenant, (struct bytes){ 0 });
	const struct program_name *n;
	struct pattern one;

	for (uint32_t cursor = 0; (n = named_next(&t->by_number, &cursor));) {
		struct bytes other = bytes_from(bytes_str(n->key), before.n);

		if (bytes_starts(bytes_str(n->key), space) && !bytes_eq(other, number) &&
		    programs_pattern(other, &one) && pattern_meets(p, &one))
			return other;
	}
	return (struct bytes){ 0 };
}

static void number_drop(struct programs *t, struct bytes tenant, struct bytes number)
{
	struct program_patterns *all = named_find(&t->patterns, 0, tenant);
	struct program_name *n = program_name_find(&t->by_number, tenant, number);
	struct pattern p;

	if (n && all && programs_pattern(number, &p))
		pattern_tree_delete(&all->tree, &p, n);
	if (all && !all->tree.first) {
		named_remove(&t->patterns, all);
		free(all);
	}
	if (n)
		program_name_delete(&t->by_number, n);
}

static int pattern_put(struct programs *t, struct bytes tenant, const struct pattern *p,
		       struct program_name *n)
{
	int error = -ENOMEM;
	struct program_patterns *all = named_put(&t->patterns, 0, tenant, sizeof(*all), &error);

	if (!all)
		return error;
	all->tree.order = pattern_name_order;
	return pattern_tree_put(&all->tree, p, n);
}

int programs_number_put(struct programs *t, struct bytes tenant, struct bytes number,
			struct bytes flow)
{
	struct program_name *n;
	struct pattern p;
	int error;

	if (!flow.n) {
		number_drop(t, tenant, number);
		return 0;
	}
	n = program_name_put(&t->by_number, tenant, number, &error);
	if (!n)
		return error;
	error = text_set(&n->flow, flow);
	if (!error && programs_pattern(number, &p))
		error = pattern_put(t, tenant, &p, n);
	if (error)
		number_drop(t, tenant, number);
	return error;
}
