/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms of tenants, and who gets in as what. */
#include "sig/host/tenant_tables.h"

#include <errno.h>

#include "sig/host/tenant.h"
#include "tests/unit/test.h"

struct house {
	struct tenants *tenants;
	struct rooms *rooms;
	uint16_t acme;
};

static int setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	struct house *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	assert_int_equal(tenants_open(&h->tenants, &key), 0);
	assert_int_equal(rooms_open(&h->rooms, h->tenants), 0);
	h->acme = tenants_claim(h->tenants, BYTES_LIT("acme"));
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	rooms_close(h->rooms);
	tenants_close(h->tenants);
	free(h);
	return 0;
}

static int put(struct house *h, uint16_t tenant, const char *number, const char *name)
{
	struct room_terms room = { .tenant = tenant, .max_members = 10 };

	assert_int_equal(bytes_cstr(bytes_str(number), room.number, sizeof(room.number)), 0);
	assert_int_equal(bytes_cstr(bytes_str(name), room.name, sizeof(room.name)), 0);
	return rooms_put(h->rooms, &room);
}

static const char *found(const struct house *h, uint16_t tenant, const char *number)
{
	const struct room_terms *room = rooms_find(h->rooms, tenant, bytes_str(number));

	return room ? room->name : "";
}

/* Equal numbers of two tenants never meet, and one that begins another is not that one. */
static void of_two_tenants(void **state)
{
	struct house *h = *state;

	assert_int_equal(put(h, h->acme, "700", "a700"), 0);
	assert_int_equal(put(h, TENANT_DEFAULT, "700", "d700"), 0);
	assert_int_equal(put(h, TENANT_DEFAULT, "7001", "d7001"), 0);
	assert_int_equal(put(h, TENANT_DEFAULT, "70", "d70"), 0);
	assert_int_equal(put(h, h->acme, "69", "a69"), 0);
	assert_string_equal(found(h, h->acme, "700"), "a700");
	assert_string_equal(found(h, TENANT_DEFAULT, "700"), "d700");
	assert_string_equal(found(h, TENANT_DEFAULT, "7001"), "d7001");
	assert_string_equal(found(h, TENANT_DEFAULT, "70"), "d70");
	assert_string_equal(found(h, TENANT_DEFAULT, "7"), "");
	assert_string_equal(found(h, TENANT_DEFAULT, ""), "");
	assert_string_equal(found(h, h->acme, "7001"), "");
	assert_int_equal(put(h, h->acme, "700", "again"), 0);
	assert_string_equal(found(h, h->acme, "700"), "again");
	rooms_delete(h->rooms, h->acme, BYTES_LIT("700"));
	assert_string_equal(found(h, h->acme, "700"), "");
	assert_string_equal(found(h, TENANT_DEFAULT, "700"), "d700");
	assert_null(rooms_find(NULL, h->acme, BYTES_LIT("69")));
}

/* A tenant stays as long as a room is its. */
static void held_and_given_back(void **state)
{
	struct house *h = *state;

	assert_int_equal(put(h, h->acme, "1", ""), 0);
	assert_int_equal(put(h, h->acme, "2", ""), 0);
	assert_int_equal(put(h, h->acme, "2", "once more"), 0);
	assert_int_equal(tenants_held(h->tenants, h->acme, TENANT_ROOMS), 2);
	rooms_delete(h->rooms, h->acme, BYTES_LIT("1"));
	rooms_delete(h->rooms, h->acme, BYTES_LIT("1"));
	assert_int_equal(tenants_held(h->tenants, h->acme, TENANT_ROOMS), 1);
	rooms_delete(h->rooms, h->acme, BYTES_LIT("2"));
	assert_int_equal(tenants_held(h->tenants, h->acme, TENANT_ROOMS), 0);
}

/* Paging groups are of another kind of documents, with places of their own. */
static void full_beside_pages(void **state)
{
	struct house *h = *state;
	char number[ROOM_NUMBER_MAX];

	for (unsigned i = 0; i < ROOMS_MAX; i++) {
		(void)snprintf(number, sizeof(number), "page:%u", i);
		assert_int_equal(put(h, h->acme, number, ""), 0);
	}
	for (unsigned i = 0; i < ROOMS_MAX; i++) {
		(void)snprintf(number, sizeof(number), "%u", i);
		assert_int_equal(put(h, h->acme, number, ""), 0);
	}
}

static void full(void **state)
{
	struct house *h = *state;
	char number[ROOM_NUMBER_MAX];

	for (unsigned i = 0; i < ROOMS_MAX + ROOM_PAGES_MAX; i++) {
		(void)snprintf(number, sizeof(number), "%u", i);
		assert_int_equal(put(h, h->acme, number, ""), 0);
	}
	assert_int_equal(put(h, TENANT_DEFAULT, "1", ""), -ENOSPC);
	assert_int_equal(put(h, h->acme, "1", "another"), 0);
	rooms_delete(h->rooms, h->acme, BYTES_LIT("17"));
	assert_int_equal(put(h, TENANT_DEFAULT, "1", "d1"), 0);
	assert_string_equal(found(h, TENANT_DEFAULT, "1"), "d1");
}

/* CONF-10 */
static void pins(void **state)
{
	static const struct {
		const char *name, *pin, *host_pin, *digits;
		enum room_pin who;
	} rows[] = {
		{ "open to all", "", "", "", ROOM_PIN_MEMBER },
		{ "open, and digits", "", "", "1234", ROOM_PIN_WRONG },
		{ "member", "1234", "", "1234", ROOM_PIN_MEMBER },
		{ "no digits", "1234", "", "", ROOM_PIN_WRONG },
		{ "one too few", "1234", "", "123", ROOM_PIN_WRONG },
		{ "one too many", "1234", "", "12345", ROOM_PIN_WRONG },
		{ "other digits", "1234", "", "1235", ROOM_PIN_WRONG },
		{ "host", "1234", "987654", "987654", ROOM_PIN_HOST },
		{ "member beside a host", "1234", "987654", "1234", ROOM_PIN_MEMBER },
		{ "nobody", "1234", "987654", "4321", ROOM_PIN_WRONG },
		{ "members come as they are", "", "987654", "", ROOM_PIN_MEMBER },
		{ "a host among those", "", "987654", "987654", ROOM_PIN_HOST },
		{ "and who guesses", "", "987654", "987655", ROOM_PIN_WRONG },
		{ "the longest", "1234567890123456", "", "1234567890123456", ROOM_PIN_MEMBER },
		{ "longer than any", "1234567890123456", "", "12345678901234567", ROOM_PIN_WRONG },
		{ "much longer", "", "", "123456789012345678901234567890", ROOM_PIN_WRONG },
	};
	const typeof(rows[0]) *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct room_terms room = { .max_members = 2 };

		(void)bytes_cstr(bytes_str(row->pin), room.pin, sizeof(room.pin));
		(void)bytes_cstr(bytes_str(row->host_pin), room.host_pin, sizeof(room.host_pin));
		ROW_ASSERT(row->name, room_pin_check(&room, bytes_str(row->digits)) == row->who);
		ROW_ASSERT(row->name, room_asks_pin(&room) == (row->pin[0] || row->host_pin[0]));
	}
	assert_int_equal(room_pin_check(&(struct room_terms){ 0 }, bytes_mem("\0", 1)),
			 ROOM_PIN_MEMBER); /* no host, in any case */
}

/* Nothing of a longer PIN is left behind a shorter one. */
static void shorter_pin(void **state)
{
	struct house *h = *state;
	struct room_terms room = { .number = "700", .pin = "12345678" };

	(void)bytes_cstr(BYTES_LIT("9999"), room.pin, sizeof(room.pin));
	assert_int_equal(rooms_put(h->rooms, &room), 0);
	assert_int_equal(room_pin_check(rooms_find(h->rooms, TENANT_DEFAULT, BYTES_LIT("700")),
					BYTES_LIT("9999")),
			 ROOM_PIN_MEMBER);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(of_two_tenants),    TEST(held_and_given_back), TEST(full),
		TEST(full_beside_pages), cmocka_unit_test(pins),    TEST(shorter_pin)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
