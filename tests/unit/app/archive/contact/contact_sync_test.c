/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts of other services on both engines: runs with leases, pages, what is gone, what may be changed here. */
#include "tests/unit/app/archive/rig.h"

#include "app/archive/contact/contact.h"
#include "base/json_member.h"

#define SYNC   "\"tenant\":\"acme\",\"sync\":\"phone\""
#define OWN    "\"tenant\":\"acme\",\"owner\":\"u1001\""
#define AT(ms) ",\"now_ms\":" #ms
#define ANNA                                                                                \
	"{\"id\":\"/b/"                                                                     \
	"a.vcf\",\"card\":\"BEGIN:VCARD\\r\\nVERSION:3.0\\r\\nFN:Anna\\r\\nUID:x\\r\\nTEL:" \
	"2125550100\\r\\nEND:VCARD\\r\\n\"}"
#define BORIS                                                                               \
	"{\"id\":\"p/"                                                                      \
	"2\",\"contact\":{\"first_name\":\"Boris\",\"phones\":[{\"number\":\"5\",\"kind\":" \
	"\"work\"},{\"number\":\"none\"}]}}"
#define NOBODY_ "{\"id\":\"p/3\",\"contact\":{\"phones\":[]}}"

static struct archive *g_a;

static json_t *ask(const char *request, const char *args)
{
	const struct archive_request *r = archive_request_find(request);
	json_t *json = json_loads(args, 0, NULL), *answer, *result;

	assert_non_null(r);
	if (!json)
		fail_msg("%s", args);
	answer = archive_request_answer(g_a, r, json);
	result = json_object_get(answer, "result");
	result = json_incref(result ? result : answer);
	json_decref(answer);
	json_decref(json);
	return result;
}

static void said(const char *request, const char *args, const char *member, const char *wanted)
{
	json_t *answer = ask(request, args);
	char *text = json_dumps(json_object_get(answer, member), JSON_ENCODE_ANY | JSON_SORT_KEYS);

	if (strcmp(text ? text : "absent", wanted) != 0)
		fail_msg("%s %s: %s", request, args, json_dumps(answer, 0));
	free(text);
	json_decref(answer);
}

static void names_are(const char *wanted)
{
	json_t *answer = ask("contact.list", "{" OWN "}"), *one;
	char text[512] = "";
	size_t i;

	json_array_foreach(answer, i, one)
	{
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? " " : "", json_text(one, "name"));
	}
	assert_string_equal(text, wanted);
	json_decref(answer);
}

/* The id of the contact of that name; the caller's. */
static char *id_of(const char *name)
{
	json_t *answer = ask("contact.list", "{" OWN "}"), *one;
	char *id = NULL;
	size_t i;

	json_array_foreach(answer, i, one)
	{
		if (!strcmp(json_text(one, "name"), name))
			id = strdup(json_text(one, "contact"));
	}
	assert_non_null(id);
	json_decref(answer);
	return id;
}

static void tell(const char *changed, const char *now)
{
	char args[256];

	(void)snprintf(args, sizeof(args),
		       "{\"rows\":[{" SYNC
		       ",\"owner\":\"u1001\",\"changed_ms\":%s}],\"now_ms\":%s}",
		       changed, now);
	json_decref(ask("contact.sync.tell", args));
}

static void pages(struct archive *a)
{
	char args[512], *anna;

	g_a = a;
	said("contact.sync.claim", "{\"now_ms\":1}", "run", "absent");
	tell("7", "1000");
	said("contact.sync.claim", "{\"now_ms\":1000}", "run", "1");
	said("contact.sync.claim", "{\"now_ms\":1001}", "run", "absent"); /* it is under way */
	said("contact.sync.state", "{" SYNC AT(1001) "}", "running", "true");
	said("contact.sync.apply",
	     "{" SYNC ",\"run\":1,\"found\":[" ANNA "," BORIS "," NOBODY_
	     "],\"token\":\"t1\"" AT(1002) "}",
	     "failed", "1");
	names_are("Anna Boris");
	/* The process of the node is killed: another run begins where that page has ended. */
	said("contact.sync.claim", "{\"now_ms\":121003}", "token", "\"t1\"");
	said("contact.sync.apply",
	     "{" SYNC ",\"run\":1,\"found\":[],\"gone\":[\"p/2\"]" AT(121004) "}", "error",
	     "\"conflict\"");
	names_are("Anna Boris");
	said("contact.sync.apply",
	     "{" SYNC ",\"run\":2,\"found\":[],\"gone\":[],\"done\":true,\"next_ms\":600000,"
	     "\"token\":\"t2\"" AT(121005) "}",
	     "removed", "0"); /* of the page before, which is of the same round */
	said("contact.sync.state", "{" SYNC AT(121006) "}", "next_utc_ms", "721005");
	said("contact.sync.state", "{" SYNC AT(121006) "}", "contacts", "2");
	said("contact.find", "{" OWN ",\"number\":\"2125550100\"}", "name", "absent");
	/* The same again changes nothing; what is gone goes. */
	said("contact.sync.wish", "{" SYNC AT(130000) "}", "next_utc_ms", "130000");
	said("contact.sync.claim", "{\"now_ms\":130000}", "token", "\"t2\"");
	said("contact.sync.apply",
	     "{" SYNC ",\"run\":3,\"found\":[" ANNA
	     "],\"gone\":[\"p/2\",\"p/9\"],\"done\":true,\"token\":\"t3\"" AT(130001) "}",
	     "changed", "0");
	names_are("Anna");
	anna = id_of("Anna");
	/* Of the own: flags, line, default number. */
	(void)snprintf(args, sizeof(args),
		       "{" OWN
		       ",\"contact\":\"%s\",\"given\":{\"favourite\":true,\"line\":\"77\"}}",
		       anna);
	said("contact.put", args, "favourite", "true");
	(void)snprintf(args, sizeof(args),
		       "{" OWN ",\"contact\":\"%s\",\"given\":{\"name\":\"Bea\"}}", anna);
	said("contact.put", args, "error", "\"not_allowed\"");
	(void)snprintf(args, sizeof(args), "{" OWN ",\"contact\":\"%s\"}", anna);
	said("contact.delete", args, "error", "\"not_allowed\"");
	(void)snprintf(args, sizeof(args),
		       "{" OWN ",\"contact\":\"%s\",\"text\":\"BEGIN:VCARD\\nVERSION:3.0\\nFN:"
		       "Bea\\nEND:VCARD\\n\"}",
		       anna);
	said("contact.import", args, "error", "\"not_allowed\"");
	free(anna);
	names_are("Anna");
}

/* A run that reads all takes away what it has not seen, also a page at a time; another document reads all. */
static void anew(struct archive *a)
{
	char args[512], *anna;

	g_a = a;
	json_decref(ask("contact.put", "{" OWN ",\"contact\":\"z\",\"given\":{\"name\":\"Own\"}}"));
	tell("7", "1000");
	said("contact.sync.claim", "{\"now_ms\":1000}", "run", "1");
	said("contact.sync.apply",
	     "{" SYNC ",\"run\":1,\"found\":[" ANNA "," BORIS
	     "],\"done\":true,\"token\":\"t1\",\"next_ms\":1000" AT(1002) "}",
	     "added", "2");
	tell("7", "1500");
	said("contact.sync.claim", "{\"now_ms\":1500}", "run", "absent"); /* it has not changed */
	anna = id_of("Anna");
	(void)snprintf(args, sizeof(args),
		       "{" OWN ",\"contact\":\"%s\",\"given\":{\"pinned\":true,\"line\":\"77\"}}",
		       anna);
	said("contact.put", args, "line", "\"77\"");
	tell("8", "1600");
	said("contact.sync.claim", "{\"now_ms\":1600}", "token", "\"\"");
	said("contact.sync.apply", "{" SYNC ",\"run\":3,\"found\":[" ANNA "]" AT(1601) "}",
	     "changed", "0");
	names_are("Anna Boris Own");
	said("contact.sync.apply", "{" SYNC ",\"run\":3,\"done\":true" AT(1602) "}", "removed",
	     "1");
	names_are("Anna Own");
	(void)snprintf(args, sizeof(args), "{" OWN ",\"contact\":\"%s\"}", anna);
	said("contact.get", args, "line", "\"77\"");
	said("contact.get", args, "pinned", "true");
	said("contact.get", args, "sync", "\"phone\"");
	free(anna);
	/* One that ends badly waits, as long as the service wants; a wish does not help. */
	json_decref(ask("contact.sync.wish", "{" SYNC AT(2000) "}"));
	said("contact.sync.claim", "{\"now_ms\":2000}", "run", "4");
	json_decref(ask("contact.sync.end",
			"{" SYNC ",\"run\":4,\"reason\":\"busy\",\"detail\":\"it answers "
			"429\",\"next_ms\":5000,\"wait_ms\":5000" AT(2001) "}"));
	said("contact.sync.wish", "{" SYNC AT(2002) "}", "next_utc_ms", "7001");
	said("contact.sync.state", "{" SYNC AT(2002) "}", "reason", "\"busy\"");
	said("contact.sync.claim", "{\"now_ms\":7000}", "run", "absent");
	said("contact.sync.claim", "{\"now_ms\":7001}", "run", "5");
	/* It goes, and its contacts with it. */
	said("contact.sync.drop", "{" SYNC ",\"run\":4" AT(7002) "}", "error", "\"conflict\"");
	said("contact.sync.drop", "{" SYNC ",\"run\":5" AT(7002) "}", "more", "false");
	names_are("Own");
	said("contact.sync.state", "{" SYNC "}", "next_utc_ms", "0");
}

/* Two runs of a tenant at a time; one of another tenant begins all the same. */
static void share(struct archive *a)
{
	g_a = a;
	json_decref(ask(
		"contact.sync.tell",
		"{\"rows\":[{\"tenant\":\"acme\",\"sync\":\"a\",\"owner\":\"d\",\"changed_ms\":1},"
		"{\"tenant\":\"acme\",\"sync\":\"b\",\"owner\":\"d\",\"changed_ms\":1},"
		"{\"tenant\":\"acme\",\"sync\":\"c\",\"owner\":\"d\",\"changed_ms\":1}],\"now_ms\":"
		"1}"));
	json_decref(ask("contact.sync.tell", "{\"rows\":[{\"tenant\":\"zeta\",\"sync\":\"a\","
					     "\"owner\":\"d\",\"changed_ms\":1}],\"now_ms\":2}"));
	said("contact.sync.claim", "{\"now_ms\":5}", "tenant", "\"acme\"");
	said("contact.sync.claim", "{\"now_ms\":5}", "tenant", "\"acme\"");
	said("contact.sync.claim", "{\"now_ms\":5}", "tenant", "\"zeta\"");
	said("contact.sync.claim", "{\"now_ms\":5}", "tenant", "absent");
	/* Another node begins runs: those of before are over. */
	json_decref(ask("contact.sync.tell", "{\"rows\":[],\"begins\":true,\"now_ms\":6}"));
	said("contact.sync.apply", "{\"tenant\":\"zeta\",\"sync\":\"a\",\"run\":1" AT(7) "}",
	     "error", "\"conflict\"");
	said("contact.sync.claim", "{\"now_ms\":7}", "tenant", "\"acme\"");
}

/* One of a backup is of its sync again; where that is not there, it may be deleted. */
static void backed_up(struct archive *a)
{
	g_a = a;
	json_decref(ask("contact.restore", "{" OWN ",\"contact\":\"r\",\"favourite\":true,\"card\":"
					   "{\"name\":\"Old\",\"sync\":\"phone\"}}"));
	tell("7", "1000");
	said("contact.delete", "{" OWN ",\"contact\":\"r\"}", "error", "\"not_allowed\"");
	said("contact.sync.claim", "{\"now_ms\":1000}", "run", "1");
	said("contact.sync.apply",
	     "{" SYNC ",\"run\":1,\"found\":[" ANNA "],\"done\":true" AT(1001) "}", "removed", "1");
	names_are("Anna");
	json_decref(ask("contact.restore",
			"{" OWN
			",\"contact\":\"q\",\"card\":{\"name\":\"Lone\",\"sync\":\"gone\"}}"));
	said("contact.delete", "{" OWN ",\"contact\":\"q\"}", "contact", "\"q\"");
	names_are("Anna");
}

/* What the service has, and could not be read or is no contact any more, stays; so does what is seen by a clock that is behind. */
static void kept(struct archive *a)
{
	g_a = a;
	tell("7", "1000");
	said("contact.sync.claim", "{\"now_ms\":1000}", "changed_ms", "7");
	said("contact.sync.apply",
	     "{" SYNC ",\"run\":1,\"found\":[" ANNA "," BORIS
	     "],\"failed\":2,\"done\":true,\"token\":\"t1\"" AT(1001) "}",
	     "failed", "2");
	tell("8", "5000");
	said("contact.sync.claim", "{\"now_ms\":5000}", "run", "3");
	said("contact.sync.apply",
	     "{" SYNC
	     ",\"run\":3,\"found\":[{\"id\":\"/b/a.vcf\",\"contact\":{}}],\"kept\":[\"p/2\"]" AT(
		     4000) "}",
	     "failed", "2");
	said("contact.sync.apply", "{" SYNC ",\"run\":3,\"done\":true" AT(4001) "}", "removed",
	     "0");
	names_are("Anna Boris");
}

/* A run that ended unheard of is behind those that were due meanwhile. */
static void behind(struct archive *a)
{
	g_a = a;
	json_decref(ask("contact.sync.tell",
			"{\"rows\":[{\"tenant\":\"acme\",\"sync\":\"a\",\"owner\":\"d\","
			"\"changed_ms\":1}],\"now_ms\":1}"));
	said("contact.sync.claim", "{\"now_ms\":10}", "sync", "\"a\"");
	json_decref(ask("contact.sync.tell",
			"{\"rows\":[{\"tenant\":\"acme\",\"sync\":\"b\",\"owner\":\"d\","
			"\"changed_ms\":1}],\"now_ms\":5}"));
	said("contact.sync.claim", "{\"now_ms\":200000}", "sync", "\"b\"");
	said("contact.sync.claim", "{\"now_ms\":200000}", "sync", "\"a\"");
}

static void tell_server(const char *changed, const char *server)
{
	char args[256];

	(void)snprintf(args, sizeof(args),
		       "{\"rows\":[{" SYNC
		       ",\"owner\":\"u1001\",\"changed_ms\":%s,\"server\":%s}],\"now_ms\":3000}",
		       changed, server);
	json_decref(ask("contact.sync.tell", args));
}

/* A service that has said when it takes requests again is not asked before by another document. */
static void waits(struct archive *a)
{
	g_a = a;
	tell_server("7", "5");
	said("contact.sync.claim", "{\"now_ms\":3000}", "run", "1");
	json_decref(ask("contact.sync.end",
			"{" SYNC ",\"run\":1,\"reason\":\"busy\",\"detail\":\"\","
			"\"next_ms\":5000,\"wait_ms\":5000" AT(3001) "}"));
	tell_server("8", "5");
	said("contact.sync.state", "{" SYNC AT(3002) "}", "next_utc_ms", "8001");
	said("contact.sync.wish", "{" SYNC AT(3002) "}", "next_utc_ms", "8001");
	tell_server("9", "6");
	said("contact.sync.state", "{" SYNC AT(3002) "}", "next_utc_ms", "3000");
}

static void test_waits(void **state)
{
	(void)state;
	rig_both(waits);
}

static void test_kept(void **state)
{
	(void)state;
	rig_both(kept);
}

static void test_behind(void **state)
{
	(void)state;
	rig_both(behind);
}

static void test_backed_up(void **state)
{
	(void)state;
	rig_both(backed_up);
}

static void test_pages(void **state)
{
	(void)state;
	rig_both(pages);
}

static void test_anew(void **state)
{
	(void)state;
	rig_both(anew);
}

static void test_share(void **state)
{
	(void)state;
	rig_both(share);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages), cmocka_unit_test(test_anew),
		cmocka_unit_test(test_share), cmocka_unit_test(test_backed_up),
		cmocka_unit_test(test_kept),  cmocka_unit_test(test_behind),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
