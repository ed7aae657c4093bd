/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_table.h"

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
	"           --names: what else phones call the node, for the certificate\n"                \
	"           with --sip-ports alone TCP has the same numbers, and TLS is off\n"

#define TRACE_TEXT                                                                                \
	"       tandemctl [--config FILE|--redis URL] trace CALL|from=NUMBER|to=NUMBER\n"         \
	"                      [-o FILE|-] [--decrypted] [--seconds N] [--octets N]\n"            \
	"           SIP and media of a call as pcapng, from its dialog so far until it ends, a\n" \
	"           limit or an interrupt; from, to: of the next call of that extension, or to "  \
	"it\n"                                                                                    \
	"           without -o into call-CALL.pcapng; -: to standard output\n"

static const char g_command[] =
	"       tandemctl [--config FILE|--redis URL] [--tenant NAME [--role ROLE]] [-o "
	"wide|json]\n"
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
	"           -o json, --json: the whole answer as JSON on one line, errors too: for "
	"programs\n"
	"           a secret is given as key=- and read from standard input\n";

/* The verbs that are no commands of the API, and what help says of each. */
static const struct {
	const char *name, *text;
} g_verbs[] = {
	{ "init", INIT_TEXT },
	{ "doctor",
	  "       tandemctl [--config FILE|--redis URL] [--json] doctor CALL\n"
	  "           why a party of a call is not heard, or hears nothing; of a running call,\n"
	  "           or of one that ended in the last hour; see call.doctor\n" },
	{ "trace", TRACE_TEXT },
	{ "help",
	  "       tandemctl help [COMMAND|init|doctor|trace|config|api], or COMMAND --help\n"
	  "           call: the commands that begin so; as well trunk, conference and so on\n"
	  "           config: every setting, in Markdown; api: every command\n" },
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

bool ctl_help_is_group(const char *word)
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

int ctl_help(const char *word)
{
	static char text[128 * 1024];
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
	if (command)
		return print_command(command);
	for (size_t i = 0; i < COUNT_OF(g_verbs); i++) {
		if (bytes_is(bytes_str(word), g_verbs[i].name))
			return print_verb(g_verbs[i].text);
	}
	if (ctl_help_is_group(word))
		return print_commands(bytes_str(word));
	ctl_complain("there is no command '%s'; see tandemctl help", word);
	return CTL_USAGE;
}
