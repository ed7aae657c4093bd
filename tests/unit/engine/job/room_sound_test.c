/* SPDX-License-Identifier: Apache-2.0 */
/* Who hears whom in a room, by what each of them decodes. */
#include "tests/unit/test.h"

#include "tests/unit/engine/job/room_party.h"

static const uint32_t g_hz[] = { 500, 900, 1300, 1700, 2100 };

/* All who talk, but itself. */
static void hears_all_others(const struct parties *s, uint32_t last_ms)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct party_in_room *p = &s->list[i];

		for (uint32_t k = 0; k < s->count; k++)
			if (s->list[k].hz)
				assert_int_equal(party_hears(s, p, s->list[k].hz, last_ms), k != i);
	}
}

static void three_talkers_hear_each_other_and_not_themselves(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	for (uint32_t i = 0; i < 3; i++)
		(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[i]);
	(void)party_join(&s, MEDIA_CODEC_PCMU, 0);
	(void)party_join(&s, MEDIA_CODEC_PCMU, 0);
	for (uint32_t i = 3; i < 5; i++) { /* who is not heard yet is sent but a trickle */
		s.list[i].silent = true;
	}
	parties_run(&s, 4000);
	hears_all_others(&s, 2400);
	assert_memory_equal(s.list[3].payload, s.list[4].payload, s.list[3].payload_n);
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_talkers_hear_each_other_and_not_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
