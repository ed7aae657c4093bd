/* SPDX-License-Identifier: Apache-2.0 */
/* Command-line words key=value as the JSON arguments of a command, and the help. Values may come
 * from a file (@FILE, @-) or a terminal without echo, and a password becomes its hash (HA1) before
 * it is sent. The table of commands is linked in, so errors are found before a node is asked. */

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_table.h"
#include "app/schema/extension.h"
#include "app/schema/feature.h"
#include "app/schema/list.h"
#include "app/schema/openapi.h"
#include "app/schema/route.h"
#include "base/guess.h"
#include "sig/flow/program.h"
#include "sig/sip/uri.h"

#define INIT_TEXT                                                                                  \
	"       tandemctl init --dir DIR [--names NAME,...] [--bind ADDRESS [--advertise "         \
	"ADDRESS]\n"                                                                               \
	"                      | --network NAME=ADDRESS[/ADVERTISED]...] [--sip-ports "            \
	"5060,10060]\n"                                                                            \
	"                      [--tcp-ports 5060,10060|none] [--tls-ports 5061|none]\n"            \
	"                      [--media-ports 12000-31999] [--http ADDRESS:PORT] [--name NAME]\n"  \
	"                      [--shard N] [--trusted PREFIX,...]\n"                               \
	"       tandemctl init --config FILE [--names NAME,...]\n"                                 \
	"           makes what a first start needs and is missing; what is there stays:\n"         \
	"           DIR/tandem.yaml, and in its node.state_dir (DIR) the files keys and tls, an\n" \
	"           authority of its own and a certificate; phones trust tls/ca.pem\n"             \
	"           --names: what else phones call the node, for the certificate; where one is\n"  \
	"           there it is made anew, by the same authority: name all of them\n"              \
	"           with --sip-ports alone TCP has the same numbers, and TLS is off\n"

#define TRACE_TEXT                                                                                \
	"       tandemctl [--config FILE|--redis URL] trace CALL|from=NUMBER|to=NUMBER\n"         \
	"                      [-o FILE|-] [--decrypted] [--seconds N] [--octets N]\n"            \
	"           SIP and media of a call as pcapng, from its dialog so far until it ends, a\n" \
	"           limit or an interrupt; from, to: of the next call of that extension, or to "  \
	"it\n"                                                                                    \
	"           without -o into call-CALL.pcapng; -: to standard output\n"

#define FLOW_TEXT                                                                               \
	"       tandemctl flow check|print FILE|-\n"                                            \
	"       tandemctl flow graph FILE|- [format=dot|svg]\n"                                 \
	"       tandemctl flow try FILE|- [NAME=VALUE...] [OUTCOME|DIGITS...]\n"                \
	"       tandemctl flow schema\n"                                                        \
	"           of a flow in a file, without a node: what is wrong with it; how it is\n"    \
	"           kept; a picture for graphviz, which draws it for format=svg; which way a\n" \
	"           call takes, of which NAME=VALUE\n"                                          \
	"           is known (hours.NAME: what a calendar says), by what comes of one verb\n"   \
	"           after the other; the JSON Schema of all flows\n"

#define LISTEN_TEXT                                                                               \
	"       tandemctl listen [--from URL [--ca FILE]] [--forward URL]\n"                      \
	"                      [type=TYPES] [call=IDS] [user=NUMBERS] [application=NAME]\n"       \
	"       tandemctl trigger KIND --forward URL [NAME=VALUE...]\n"                           \
	"           events as they come, by HTTP (http://127.0.0.1:8080) with the token in\n"     \
	"           TANDEM_TOKEN: a line each, or posted to a server of yours as webhooks are;\n" \
	"           one event that is made up, posted there. WEBHOOK_SECRET signs both\n"

#define SET_TEXT                                                                              \
	"       tandemctl apply -f FILE|DIR|- [-f ...] [--set NAME] [--prune] [--dry-run]\n"  \
	"       tandemctl diff -f FILE|DIR|- [-f ...] [--set NAME] [--prune]\n"               \
	"       tandemctl get KIND [NAME] [-o yaml|json|table]\n"                             \
	"       tandemctl explain [KIND[.FIELD]]\n"                                           \
	"       tandemctl edit KIND NAME\n"                                                   \
	"       tandemctl export [DIR] | export extensions FILE.csv\n"                        \
	"       tandemctl import extensions FILE.csv [--set NAME] [--prune] [--dry-run]\n"    \
	"       tandemctl import extensions --template\n"                                     \
	"       tandemctl history [--set NAME]\n"                                             \
	"       tandemctl rollback VERSION [--set NAME] [--dry-run]\n"                        \
	"           documents as files, YAML or JSON: all of a set count at once, or none;\n" \
	"           what would change; what there is; which fields; one in $EDITOR; all of\n" \
	"           them as files; extensions as CSV; versions of a set\n"

#define BACKUP_TEXT                                                                           \
	"       tandemctl [--config FILE] backup FILE [--recordings]\n"                       \
	"       tandemctl [--config FILE] restore FILE [--dry-run] [--force]\n"               \
	"           on the machine of the node, while calls go on: documents with sealed\n"   \
	"           secrets, prompts, messages, and by --recordings all other recordings;\n"  \
	"           all of a file is checked before anything of it counts. Keep the file\n"   \
	"           keys of the node's folder apart: without it no secret of FILE is read.\n" \
	"           A node with other documents is left alone, but for --force\n"

static const char g_command[] =
	"       tandemctl [--config FILE|--redis URL] [--tenant NAME [--role ROLE]] [-o "
	"wide|json|csv]\n"
	"                      COMMAND [key=value...]\n"
	"           one command on the running node; prints its result as a table\n"
	"           the node is found by node.state_dir and redis.url of FILE: by its own socket,\n"
	"           which needs no Redis, else by Redis. --redis: by that alone. Without either\n"
	"           TANDEM_CONFIG names FILE, else it is /var/lib/tandem/tandem.yaml or\n"
	"           /etc/tandem/tandem.yaml\n"
	"           --redis rediss://... trusts the system's authorities, or SSL_CERT_FILE\n"
	"           --tenant: as that tenant, in the role reader, application or admin, which is\n"
	"           what it is without --role; else as an operator. Redis says who may\n"
	"           -o wide: all columns of a table, which else fits 100. It may stand behind\n"
	"           COMMAND, too\n"
	"           -o csv: rows as CSV (RFC 4180); a text that a spreadsheet would take for a\n"
	"           formula begins with an apostrophe\n"
	"           -o json, --json: the whole answer as JSON on one line, errors too: for "
	"programs\n"
	"           a command that deletes asks first at a terminal, and not with --yes\n"
	"           a secret is given as key=- and read from standard input, JSON as key=@FILE\n"
	"           or key=@- from a file or there\n";

/* The verbs that are no commands of the API, and what help says of each. */
static const struct {
	const char *names[10], *text;
} g_verbs[] = {
	{ { "init" }, INIT_TEXT },
	{ { "doctor" },
	  "       tandemctl [--config FILE|--redis URL] [--json] doctor CALL\n"
	  "           why a party of a call is not heard, or hears nothing; of a running call,\n"
	  "           or of one that ended in the last hour; see call.doctor\n" },
	{ { "sip" },
	  "       tandemctl [--config FILE|--redis URL] sip CALL\n"
	  "           the SIP messages of a call as a ladder, the oldest first, each between the\n"
	  "           node and the other side; sip.recent call=CALL has them whole\n" },
	{ { "trace" }, TRACE_TEXT },
	{ { "flow" }, FLOW_TEXT },
	{ { "listen", "trigger" }, LISTEN_TEXT },
	{ { "apply", "diff", "get", "explain", "edit", "export", "import", "history", "rollback" },
	  SET_TEXT },
	{ { "backup", "restore" }, BACKUP_TEXT },
	{ { "help" },
	  "       tandemctl help "
	  "[COMMAND|init|doctor|sip|trace|flow|listen|backup|config|api|openapi|flows]\n"
	  "                      or COMMAND --help\n"
	  "           call: the commands that begin so; as well trunk, conference and so on\n"
	  "           config: every setting, in Markdown; api: every command; openapi: the\n"
	  "           HTTP API as OpenAPI 3.1; flows: their verbs\n" },
};

static const char g_statuses[] =
	"\nExit status: 0 done, 1 refused by the node, 2 wrong usage, 3 no answer, 4 not found,\n"
	"5 not now: the same may be tried again.\n";

enum { NAME_COLUMNS = 25 };

static int print(struct writer *w)
{
	return !w->overflow && fwrite(w->p, 1, w->n, stdout) == w->n ? CTL_DONE : CTL_REFUSED;
}

/* A text behind what stands in the line already, in lines of a page. */
static void print_wrapped(const char *text, size_t n, size_t at, size_t indent)
{
	static char all[16 * 1024], words[8 * 1024];
	struct writer w = writer_over(all, sizeof(all));

	if (bytes_cstr(bytes_mem(text, n), words, sizeof(words)))
		return;
	ctl_wrapped_write(&w, words, at, indent, CTL_TABLE_COLUMNS);
	(void)fwrite(all, 1, w.n, stdout);
	(void)putchar('\n');
}

/* What a command does, in a sentence. */
static size_t sentence_length(const char *help)
{
	const char *end = strstr(help, ". ");

	return end ? (size_t)(end - help) + 1 : strlen(help);
}

/* All, or those that begin with the word. */
static int print_commands(struct bytes word)
{
	(void)fputs("\nCommands:\n", stdout);
	COMMAND_EACH (c) {
		if (word.n && !command_is_of(c, word))
			continue;
		(void)printf("  %-22s ", c->name);
		print_wrapped(c->help, sentence_length(c->help), NAME_COLUMNS, NAME_COLUMNS);
	}
	return CTL_DONE;
}

/* Commands begin with that word and a dot. */
static bool help_is_group(const char *word)
{
	COMMAND_EACH (c) {
		if (command_is_of(c, bytes_str(word)) && strcmp(c->name, word) != 0)
			return true;
	}
	return false;
}

static int print_all(void)
{
	(void)fputs("usage:\n", stdout);
	for (size_t i = 0; i < COUNT_OF(g_verbs); i++)
		(void)fputs(g_verbs[i].text, stdout);
	(void)fputs(g_command, stdout);
	(void)fputs(g_statuses, stdout);
	return print_commands((struct bytes){ 0 });
}

static void print_arg(const json_t *arg)
{
	const char *preset = json_string_value(json_object_get(arg, "default"));

	const char *help = json_string_value(json_object_get(arg, "help"));
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s (%s, %s%s%s%s)",
			 json_string_value(json_object_get(arg, "name")),
			 json_string_value(json_object_get(arg, "type")),
			 json_is_true(json_object_get(arg, "required")) ? "required, " : "",
			 json_string_value(json_object_get(arg, "allowed")),
			 preset ? "; default: " : "", preset ? preset : "");

	(void)fputs("  ", stdout);
	print_wrapped(line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1, 2, 6);
	(void)fputs("      ", stdout);
	print_wrapped(help, strlen(help), 6, 6);
}

static int print_command(const struct command *command)
{
	json_t *list = command_help_json(bytes_str(command->name));
	const json_t *one = json_array_get(list, 0), *arg;
	size_t i;

	(void)printf("%s (for: %s)\n  ", command->name,
		     json_string_value(json_object_get(one, "for")));
	print_wrapped(command->help, strlen(command->help), 2, 2);
	json_array_foreach(json_object_get(one, "arguments"), i, arg) print_arg(arg);
	(void)fputs("  Result: ", stdout);
	print_wrapped(command->result, strlen(command->result), 10, 2);
	json_decref(list);
	return CTL_DONE;
}

static int print_verb(const char *text)
{
	(void)printf("usage:\n%s%s", text, g_statuses);
	return CTL_DONE;
}

static int print_openapi(void)
{
	json_t *json;
	int err;

	route_setup();
	json = openapi_json();
	err = json ? json_dumpf(json, stdout, JSON_INDENT(1)) : -1;
	(void)putchar('\n');
	json_decref(json);
	return err ? CTL_REFUSED : CTL_DONE;
}

int ctl_help(const char *word)
{
	static char text[512 * 1024];
	struct writer w = writer_over(text, sizeof(text));
	const struct command *command = word ? command_find(bytes_str(word)) : NULL;

	if (!word)
		return print_all();
	if (bytes_is(bytes_str(word), "config")) {
		settings_write_reference(&w);
		return print(&w);
	}
	if (bytes_is(bytes_str(word), "api")) {
		command_write_reference(&w);
		return print(&w);
	}
	if (bytes_is(bytes_str(word), "openapi"))
		return print_openapi();
	if (bytes_is(bytes_str(word), "flows")) {
		flow_write_reference(&w);
		return print(&w);
	}
	if (command)
		return print_command(command);
	for (size_t i = 0; i < COUNT_OF(g_verbs); i++) {
		for (const char *const *name = g_verbs[i].names; *name; name++) {
			if (!strcmp(word, *name))
				return print_verb(g_verbs[i].text);
		}
	}
	if (help_is_group(word))
		return print_commands(bytes_str(word));
	ctl_command_unknown(word);
	return CTL_USAGE;
}

void ctl_command_unknown(const char *word)
{
	char group[64];
	struct guess g = { .word = bytes_str(word) };
	struct bytes begin = bytes_sub(g.word, 0, bytes_find(g.word, '.'));
	bool known = !bytes_cstr(begin, group, sizeof(group)) && help_is_group(group);

	COMMAND_EACH (c)
		guess_add(&g, bytes_str(c->name));
	for (size_t i = 0; i < COUNT_OF(g_verbs); i++) {
		for (const char *const *name = g_verbs[i].names; *name; name++)
			guess_add(&g, bytes_str(*name));
	}
	if (g.best.n)
		ctl_complain("there is no command '%s'%s", word, guess_text(&g));
	else
		ctl_complain("there is no command '%s'; see tandemctl help%s%s", word,
			     known ? " " : "", known ? group : "");
}

/* The command has no such argument. */
static void name_unknown(const struct command *command, struct bytes name)
{
	struct guess g = { .word = name };

	for (const struct command_arg *arg = command->args; arg->name; arg++)
		guess_add(&g, bytes_str(arg->name));
	if (g.best.n)
		ctl_complain("%s has no argument '" BYTES_FMT "'%s", command->name, BYTES_ARG(name),
			     guess_text(&g));
	else
		ctl_complain("%s has no argument '" BYTES_FMT "'; see tandemctl help %s",
			     command->name, BYTES_ARG(name), command->name);
}

enum { SECRET_MAX = 1024 };

/* One line; from a terminal without showing it. NULL: none came. */
static json_t *secret_read(const char *name)
{
	char line[SECRET_MAX];
	struct termios before, hidden;
	bool terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
	struct bytes text;
	json_t *json = NULL;
	char *got;

	if (terminal) {
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		(void)fprintf(stderr, "%s: ", name);
	}
	got = fgets(line, sizeof(line), stdin);
	if (terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
	}
	if (got) {
		text = bytes_str(line);
		if (text.n && text.p[text.n - 1] == '\n')
			text.n--;
		json = json_stringn((const char *)text.p, text.n);
	}
	OPENSSL_cleanse(line, sizeof(line));
	return json;
}

/* "@FILE", "@-", or the text itself. NULL: complained. */
static json_t *tree_read(const struct command_arg *arg, const char *value)
{
	json_error_t error;
	json_t *json;

	if (value[0] != '@')
		json = json_loads(value, JSON_REJECT_DUPLICATES, &error);
	else if (!strcmp(value, "@-"))
		json = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	else
		json = json_load_file(value + 1, JSON_REJECT_DUPLICATES, &error);
	if (!json && value[0] != '@' && !access(value, R_OK))
		ctl_complain("%s: '%s' is a file: write %s=@%s", arg->name, value, arg->name,
			     value);
	else if (!json && error.line > 0)
		ctl_complain("%s: line %d, column %d: %s", arg->name, error.line, error.column,
			     error.text);
	else if (!json)
		ctl_complain("%s: %s", arg->name, error.text);
	return json;
}

/* In place of state=on and state=off. */
static const struct command_arg g_on = { .name = "on", .type = ARG_BOOL };

/* A column that a list is narrowed by; until the next one. */
static const struct command_arg *column_of(struct bytes name)
{
	static char text[LIST_NAME_MAX];
	static const struct command_arg column = { .name = text, .type = ARG_STRING };

	return bytes_cstr(name, text, sizeof(text)) ? NULL : &column;
}

static bool word_add(json_t *args, const struct command *command, const char *word)
{
	struct bytes rest = bytes_str(word), name;
	const struct command_arg *arg;
	const char *value = strchr(word, '=');
	json_t *json;

	if (!value || !bytes_cut(&rest, '=', &name)) {
		if (word[0] == '-')
			ctl_complain("'%s' stands before the command, where it is an option: "
				     "behind it are -o wide|json|csv, --json and --yes",
				     word);
		else
			ctl_complain("'%s' is no key=value; see tandemctl help %s", word,
				     command->name);
		return false;
	}
	arg = command_arg_find(command, name);
	if (!arg && bytes_is(name, g_command_tenant.name))
		arg = &g_command_tenant;
	if (!arg && bytes_is(name, g_on.name) && command_arg_find(command, BYTES_LIT("state")))
		arg = &g_on;
	if (!arg)
		arg = command_context_arg(command, name);
	if (!arg && list_takes(command, name))
		arg = list_arg_find(name);
	if (!arg && list_takes(command, name))
		arg = column_of(name);
	if (!arg) {
		name_unknown(command, name);
		return false;
	}
	value++;
	if (arg->type == ARG_SECRET && strcmp(value, "-") != 0) {
		ctl_complain(
			"others can see the command line: write %s=- and give it on standard input",
			arg->name);
		return false;
	}
	json = arg->type == ARG_SECRET ? secret_read(arg->name)
	       : arg->type == ARG_JSON ? tree_read(arg, value)
				       : command_arg_json(arg, bytes_str(value), true);
	if (!json && arg->type == ARG_JSON)
		return false;
	if (!json || json_object_set_new(args, arg->name, json)) {
		ctl_complain(arg->type == ARG_SECRET ? "%s: nothing usable came on standard input"
						     : "%s must be UTF-8",
			     arg->name);
		return false;
	}
	return true;
}

/* 0, or -EINVAL and *error. An operator names the tenant besides the arguments. */
static int args_check(const struct command *command, json_t *args, struct command_error *error)
{
	static struct command_value values[COMMAND_ARGS_MAX]; /* too large for a stack */
	struct command_value subject;
	json_t *tenant = json_object_get(args, g_command_tenant.name);
	int err;

	if (!tenant || command_arg_find(command, bytes_str(g_command_tenant.name)))
		return command_check(command, args, values, error);
	json_incref(tenant);
	(void)json_object_del(args, g_command_tenant.name);
	err = command_arg_check(&g_command_tenant, given_json(tenant), &subject, error);
	if (!err)
		err = command_check(command, args, values, error);
	(void)json_object_set_new(args, g_command_tenant.name, tenant);
	return err;
}

json_t *ctl_args(const struct command *command, int argc, char **argv)
{
	struct command_error error = { 0 };
	json_t *args = json_object();
	bool fine = args != NULL;

	for (int i = 0; fine && i < argc; i++)
		fine = word_add(args, command, argv[i]);
	if (fine && args_check(command, args, &error)) {
		ctl_complain("%s: %s", command_error_name(error.code), error.message);
		fine = false;
	}
	if (!fine) {
		json_decref(args);
		return NULL;
	}
	return args;
}

const char *ctl_realm(const json_t *args)
{
	return json_object_get(args, "user") ? json_string_value(json_object_get(args, "realm"))
					     : NULL;
}

/* An extension's number, or the user of a trunk. */
static const char *user_of(const json_t *args)
{
	const json_t *number = json_object_get(args, "number");

	return json_string_value(number || !ctl_realm(args) ? number
							    : json_object_get(args, "user"));
}

bool ctl_has_password(const json_t *args)
{
	return user_of(args) && json_object_get(args, "password") && !json_object_get(args, "ha1");
}

/* "2=HASHES,5=HASHES" of the given locations; the node refuses unknown ones. */
static bool locations_hash(json_t *args, const char *realm, const json_t *password)
{
	struct bytes list = bytes_str(json_string_value(json_object_get(args, "locations"))), one;
	char text[EXTENSION_LOCATIONS_MAX * (HA1_TEXT + 7) + 1], ha1[HA1_TEXT + 1], name[128];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct digest_secret secret;
	uint16_t id;
	bool fine = true;

	while (bytes_cut(&list, ',', &one)) {
		struct writer user = writer_over(name, sizeof(name));

		if (location_read(one, &id))
			continue;
		located_user_write(&user, bytes_str(user_of(args)), id);
		digest_secret_make(&secret, writer_done(&user), bytes_str(realm),
				   bytes_mem(json_string_value(password),
					     json_string_length(password)));
		ha1_write(ha1, &secret);
		writer_number(&w, w.n ? "," : "", id, "=");
		writer_str(&w, ha1);
	}
	text[w.n] = '\0';
	if (w.n && !w.overflow)
		fine = !json_object_set_new(args, "location_ha1", json_string(text));
	OPENSSL_cleanse(&secret, sizeof(secret));
	OPENSSL_cleanse(ha1, sizeof(ha1));
	OPENSSL_cleanse(text, sizeof(text));
	return fine;
}

bool ctl_hash_password(json_t *args, const char *realm)
{
	const json_t *password = json_object_get(args, "password");
	char ha1[HA1_TEXT + 1];
	struct digest_secret secret;
	bool fine;

	if (!ctl_has_password(args))
		return true;
	digest_secret_make(&secret, bytes_str(user_of(args)), bytes_str(realm),
			   bytes_mem(json_string_value(password), json_string_length(password)));
	ha1_write(ha1, &secret);
	fine = locations_hash(args, realm, password) &&
	       !json_object_set_new(args, "ha1", json_string(ha1)) &&
	       !json_object_del(args, "password");
	OPENSSL_cleanse(&secret, sizeof(secret));
	OPENSSL_cleanse(ha1, sizeof(ha1));
	return fine;
}
