/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dialog/elsewhere.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/dialog/dialog.h"

void elsewhere_open(struct elsewhere_list *list, const struct hash_key *key)
{
	memset(list->buckets, 0, sizeof(list->buckets));
	list->key = *key;
}

static void elsewhere_unlist(struct elsewhere *e)
{
	if (!e->back)
		return;
	*e->back = e->next;
	if (e->next)
		e->next->back = e->back;
	e->next = NULL;
	e->back = NULL;
}

static size_t elsewhere_bucket(const struct elsewhere_list *list, uint64_t random)
{
	return hash_sip(&list->key, bytes_mem(&random, sizeof(random))) % ELSEWHERE_BUCKETS;
}

void elsewhere_put(struct elsewhere_list *list, struct dialog *d)
{
	struct elsewhere *e = d->elsewhere, **head;

	if (!e || e->back)
		return;
	head = &list->buckets[elsewhere_bucket(list, e->born.random)];
	e->next = *head;
	e->back = head;
	if (e->next)
		e->next->back = &e->next;
	*head = e;
}

int elsewhere_set(struct elsewhere_list *list, struct dialog *d, uint64_t call, uint8_t leg)
{
	if (call == d->tag.call && leg == d->tag.leg) { /* at home again */
		elsewhere_forget(&d->elsewhere);
		return 0;
	}
	if (!d->elsewhere)
		d->elsewhere = calloc(1, sizeof(*d->elsewhere));
	if (!d->elsewhere)
		return -ENOMEM;
	d->elsewhere->born = d->tag;
	d->elsewhere->call = call;
	d->elsewhere->leg = leg;
	if (list)
		elsewhere_put(list, d);
	return 0;
}

void elsewhere_forget(struct elsewhere **e)
{
	if (*e)
		elsewhere_unlist(*e);
	free(*e);
	*e = NULL;
}

void elsewhere_follow(const struct elsewhere_list *list, struct id_tag *tag)
{
	const struct elsewhere *e = list->buckets[elsewhere_bucket(list, tag->random)];

	for (; e; e = e->next) {
		if (e->born.random != tag->random || e->born.call != tag->call ||
		    e->born.leg != tag->leg)
			continue;
		tag->call = e->call;
		tag->leg = e->leg;
		return;
	}
}
