/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/conf_name.h"

#include <string.h>

#include "sig/sip/id.h"

#define NAME_BEGINS "conf-"
#define CONF_RANDOM UINT64_C(0xffffffffffff) /* of an id: all but its shard */

void conf_name_write(struct writer *w, uint64_t conference)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, conference);
	writer_str(w, NAME_BEGINS);
	writer_mem(w, id, sizeof(id));
}

void conf_name_make(char out[CONF_NAME_MAX], uint16_t shard, struct rand_source *rand)
{
	struct writer w = writer_over(out, CONF_NAME_MAX - 1);
	char half[ID_TEXT_LEN];

	conf_name_write(&w, id_call_none(shard) | (rand_u64_from(rand) & CONF_RANDOM));
	id_call_put(half, rand_u64_from(rand));
	writer_mem(&w, half, sizeof(half));
	out[w.n] = '\0';
}

bool conf_name_is_secret(struct bytes user)
{
	return bytes_starts(user, NAME_BEGINS) && user.n == strlen(NAME_BEGINS) + 2 * ID_TEXT_LEN;
}

struct bytes conf_name_shown(struct bytes user)
{
	return conf_name_is_secret(user) ? BYTES_LIT("conference") : user;
}

bool conf_name_get(struct bytes user, uint64_t *conference)
{
	struct bytes id = bytes_from(user, strlen(NAME_BEGINS)), rest = bytes_from(id, ID_TEXT_LEN);
	uint64_t random;

	if (!bytes_starts(user, NAME_BEGINS))
		return false;
	if (conf_name_is_secret(user) && !id_call_get(rest, &random))
		id = bytes_sub(id, 0, ID_TEXT_LEN);
	return !id_call_get(id, conference);
}
