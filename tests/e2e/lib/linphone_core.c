/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone of the library that linphonec is made of, with commands that linphonec lacks: `update` offers anew, by UPDATE (RFC 3311); `friend`
 * names somebody, and `list` watches all of these by one subscription, to that URI (RFC 4662, 5367); `messages` watches a mailbox (RFC 3842);
 * `register` does that anew.
 * What it is told of mailboxes, asked or not, is printed as the library hands it out.
 * It reads the same configuration and takes the same words: lib/linphone.py starts it.
 */
#include <linphone/core.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Exported, but in no header: an answer needs no user, so the offer of an established dialog goes by UPDATE. */
void linphone_call_params_set_no_user_consent(LinphoneCallParams *params, bool_t value);

struct phone {
	LinphoneCore *core;
	LinphoneFriendList *friends;
	bool quits;
};

static LinphoneMediaDirection direction_of(const char *word)
{
	if (strcmp(word, "sendonly") == 0)
		return LinphoneMediaDirectionSendOnly;
	if (strcmp(word, "recvonly") == 0)
		return LinphoneMediaDirectionRecvOnly;
	return LinphoneMediaDirectionSendRecv;
}

static void phone_update(LinphoneCore *core, const char *direction)
{
	LinphoneCall *call = linphone_core_get_current_call(core);
	LinphoneCallParams *params = call ? linphone_core_create_call_params(core, call) : NULL;

	if (!params)
		return;
	linphone_call_params_set_audio_direction(params, direction_of(direction));
	linphone_call_params_set_no_user_consent(params, TRUE);
	(void)linphone_call_update(call, params);
	linphone_call_params_unref(params);
}

static void phone_friend(struct phone *phone, const char *uri)
{
	LinphoneFriend *friend = linphone_core_create_friend_with_address(phone->core, uri);

	if (!phone->friends)
		phone->friends = linphone_core_create_friend_list(phone->core);
	linphone_friend_enable_subscribes(friend, FALSE);
	(void)linphone_friend_list_add_friend(phone->friends, friend);
	linphone_friend_unref(friend);
}

static void phone_list(struct phone *phone, const char *uri)
{
	LinphoneAddress *address = linphone_factory_create_address(linphone_factory_get(), uri);

	linphone_friend_list_set_rls_address(phone->friends, address);
	linphone_address_unref(address);
	linphone_core_add_friend_list(phone->core, phone->friends);
	linphone_friend_list_enable_subscriptions(phone->friends, TRUE);
	linphone_friend_list_update_subscriptions(phone->friends);
}

static void phone_messages(LinphoneCore *core, const char *uri)
{
	LinphoneAddress *address = linphone_factory_create_address(linphone_factory_get(), uri);

	(void)linphone_core_subscribe(core, address, "message-summary", 600, NULL);
	linphone_address_unref(address);
}

static void phone_told(LinphoneCore *core, LinphoneEvent *event, const char *name,
		       const LinphoneContent *body)
{
	(void)core;
	(void)event;
	if (strcmp(name, "message-summary") == 0 && body)
		printf("told of messages:\n%s\n", linphone_content_get_utf8_text(body));
	(void)fflush(stdout);
}

static void phone_answer(LinphoneCore *core)
{
	LinphoneCall *call = linphone_core_get_current_call(core);

	if (call)
		(void)linphone_call_accept(call);
}

static void phone_command(struct phone *phone, const char *word, const char *argument)
{
	if (strcmp(word, "call") == 0)
		(void)linphone_core_invite(phone->core, argument);
	else if (strcmp(word, "answer") == 0)
		phone_answer(phone->core);
	else if (strcmp(word, "update") == 0)
		phone_update(phone->core, argument);
	else if (strcmp(word, "friend") == 0)
		phone_friend(phone, argument);
	else if (strcmp(word, "list") == 0)
		phone_list(phone, argument);
	else if (strcmp(word, "messages") == 0)
		phone_messages(phone->core, argument);
	else if (strcmp(word, "register") == 0)
		linphone_core_refresh_registers(phone->core);
	else if (strcmp(word, "soundcard") == 0)
		linphone_core_set_use_files(phone->core, TRUE);
	else if (strcmp(word, "play") == 0)
		linphone_core_set_play_file(phone->core, argument);
	else if (strcmp(word, "record") == 0)
		linphone_core_set_record_file(phone->core, argument);
	else
		phone->quits = strcmp(word, "quit") == 0;
}

/* Standard input is not buffered here, so poll() knows of every line. */
static void phone_read(struct phone *phone)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[512], word[32], argument[400];

	while (!phone->quits && poll(&input, 1, 20) > 0) {
		if (!fgets(line, sizeof(line), stdin)) {
			phone->quits = true;
			return;
		}
		argument[0] = '\0';
		if (sscanf(line, "%31s %399s", word, argument) > 0)
			phone_command(phone, word, argument);
	}
}

int main(int argc, char **argv)
{
	struct phone phone = { 0 };
	LinphoneCoreCbs *hears = linphone_factory_create_core_cbs(linphone_factory_get());

	if (argc < 3 || setvbuf(stdin, NULL, _IONBF, 0) != 0)
		return 2;
	linphone_logging_service_set_log_level(linphone_logging_service_get(),
					       LinphoneLogLevelMessage);
	phone.core = linphone_factory_create_core_3(linphone_factory_get(), argv[2], NULL, NULL);
	if (!phone.core || linphone_core_start(phone.core) != 0)
		return 1;
	linphone_core_cbs_set_notify_received(hears, phone_told);
	linphone_core_add_callbacks(phone.core, hears);
	linphone_core_cbs_unref(hears);
	while (!phone.quits) {
		phone_read(&phone);
		linphone_core_iterate(phone.core);
	}
	linphone_core_terminate_all_calls(phone.core);
	linphone_core_stop(phone.core);
	linphone_core_unref(phone.core);
	return 0;
}
