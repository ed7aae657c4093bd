/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writer and reader of the place of Redis between the node and its children. A child looks for the
 * Redis of the node's cluster alone: it may reach another one by the same URL, after a failover.
 */

#include "app/child/child_redis.h"

#include "base/json_member.h"

json_t *child_redis_json(const struct redis_place *place)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s*}", "url", place->url, "ca", place->ca,
			 "certificate", place->certificate, "key", place->key, "member",
			 place->meant ? place->meant->member : NULL);
}

int child_redis_read(struct child_redis *r, struct redis_place *place, const json_t *begin)
{
	const struct {
		const char *name;
		char *to;
		size_t cap;
	} texts[] = {
		{ "url", place->url, sizeof(place->url) },
		{ "ca", place->ca, sizeof(place->ca) },
		{ "certificate", place->certificate, sizeof(place->certificate) },
		{ "key", place->key, sizeof(place->key) },
		{ "member", r->member, sizeof(r->member) },
	};
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = bytes_cstr(bytes_str(json_text(begin, texts[i].name)), texts[i].to,
				 texts[i].cap);
	r->meant = (struct redis_meant){ BYTES_LIT("td:{cluster}:ids"),
					 r->member[0] ? r->member : NULL };
	place->meant = &r->meant;
	return err;
}
