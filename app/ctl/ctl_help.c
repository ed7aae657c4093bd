/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "app/ctl/ctl.h"

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
	"       tandemctl [--config FILE|--redis URL] [--tenant NAME [--role ROLE]] [--json]\n"
	"                      COMMAND [key=value...]\n"
	"           one command on the running node; prints its result as a table\n"
	"           the node is found by its Redis: --redis, or redis.url or node.state_dir of\n"
	"           FILE; without either TANDEM_CONFIG names FILE, else it is\n"
	"           /var/lib/tandem/tandem.yaml or /etc/tandem/tandem.yaml\n"
	"           --redis rediss://... trusts the system's authorities, or SSL_CERT_FILE\n"
	"           --tenant: as that tenant, in the role reader, application or admin, which is\n"
	"           what it is without --role; else as an operator. Redis says who may\n"
	"           --json: the whole answer as JSON on one line, errors too: for programs\n"
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
	{ "help", "       tandemctl help [COMMAND|init|doctor|trace|config|api]\n"
		  "           config: every setting, in Markdown; api: every command\n" },
};

static const char g_statuses[] =
	"\nExit status: 0 done, 1 refused by the node, 2 wrong usage, 3 no answer, 4 not found,\n"
	"5 not now: the same may be tried again.\n";

static int print(struct writer *w)
{
	return !w->overflow && fwrite(w->p, 1, w->n, stdout) == w->n ? CTL_DONE : CTL_REFUSED;
}

static int print_all(void)
{
	(void)fputs("usage:\n", stdout);
	for (size_t i = 0; i < COUNT_OF(g_verbs); i++)
		(void)fputs(g_verbs[i].text, stdout);
	(void)fputs(g_command, stdout);
	(void)fputs(g_statuses, stdout);
	(void)fputs("\nCommands:\n", stdout);
	COMMAND_EACH (c)
		(void)printf("  %-20s %s\n", c->name, c->help);
	return CTL_DONE;
}

static void print_arg(const json_t *arg)
{
	const char *preset = json_string_value(json_object_get(arg, "default"));

	(void)printf("  %s (%s, %s%s%s%s)\n      %s\n",
		     json_string_value(json_object_get(arg, "name")),
		     json_string_value(json_object_get(arg, "type")),
		     json_is_true(json_object_get(arg, "required")) ? "required, " : "",
		     json_string_value(json_object_get(arg, "allowed")),
		     preset ? "; default: " : "", preset ? preset : "",
		     json_string_value(json_object_get(arg, "help")));
}

static int print_command(const struct command *command)
{
	json_t *list = command_help_json(command);
	const json_t *one = json_array_get(list, 0), *arg;
	size_t i;

	(void)printf("%s (for: %s)\n  %s\n", command->name,
		     json_string_value(json_object_get(one, "for")), command->help);
	json_array_foreach(json_object_get(one, "arguments"), i, arg) print_arg(arg);
	(void)printf("  Result: %s.\n", json_string_value(json_object_get(one, "result")));
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
	ctl_complain("there is no command '%s'; see tandemctl help", word);
	return CTL_USAGE;
}
