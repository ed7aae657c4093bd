/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/member_name.h"

#include <string.h>

#include "sig/room/room_member.h"
#include "sig/sip/id.h"

#define MEMBER_NAME_BEGINS "conference-"
enum {
	GAIN_NONE = 50, /* is said with two digits, none of them a sign */
	NAMED_HOST = 1,
	NAMED_MUTED = 2,
	NAMED_DEAF = 4,
	NAMED_HELD = 8
};

/* conference-ID-FLAGS-GAIN */
void member_name_put(char out[MEMBER_NAME_MAX], const struct member_name *name)
{
	unsigned flags = (name->host ? NAMED_HOST : 0U) | (name->muted ? NAMED_MUTED : 0U) |
			 (name->deaf ? NAMED_DEAF : 0U) | (name->held ? NAMED_HELD : 0U);
	struct writer w = writer_over(out, MEMBER_NAME_MAX - 1);
	char id[ID_TEXT_LEN];

	id_call_put(id, name->room);
	writer_str(&w, MEMBER_NAME_BEGINS);
	writer_bytes(&w, bytes_mem(id, sizeof(id)));
	writer_fmt(&w, "-%x-%d", flags, GAIN_NONE + name->gain_db);
	out[w.overflow ? 0 : w.n] = '\0';
}

static bool named_flags(struct bytes text, unsigned *flags)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = text.n == 1 && text.p[0] ? strchr(digits, text.p[0]) : NULL;

	*flags = at ? (unsigned)(at - digits) : 0;
	return at;
}

static bool named_gain(struct bytes text, int8_t *db)
{
	uint32_t value;

	if (text.n != 2 || bytes_u32(text, &value) || value < GAIN_NONE - MEMBER_GAIN_DB_MAX ||
	    value > GAIN_NONE + MEMBER_GAIN_DB_MAX)
		return false;
	*db = (int8_t)((int)value - GAIN_NONE);
	return true;
}

bool member_name_get(struct bytes user, struct member_name *out)
{
	struct bytes id, flags;
	unsigned set;

	*out = (struct member_name){ 0 };
	if (!bytes_starts(user, MEMBER_NAME_BEGINS))
		return false;
	user = bytes_from(user, strlen(MEMBER_NAME_BEGINS));
	if (!bytes_cut(&user, '-', &id) || !bytes_cut(&user, '-', &flags) ||
	    id_call_get(id, &out->room) || !named_flags(flags, &set) ||
	    !named_gain(user, &out->gain_db))
		return false;
	out->host = set & NAMED_HOST;
	out->muted = set & NAMED_MUTED;
	out->deaf = set & NAMED_DEAF;
	out->held = set & NAMED_HELD;
	return true;
}
