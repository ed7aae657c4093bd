# SPDX-License-Identifier: Apache-2.0
"""What is to work over every port: tests that were written for the kernel's sockets and run again at another place (lib/place.py)."""
import os

NAMES = (
    "call_test.Calls.test_audio_and_keys_cross_both_ways",
    "call_test.Calls.test_dscp",
    "call_test.Calls.test_strangers_are_not_forwarded",
    "srtp_test.Srtp.test_a_new_key_in_a_reinvite",
    "dialogs_test.Hold.test_the_caller_holds",
    "music_test.Held.test_by_command",
    "tones_test.Ringback.test_by_command",
    "dialogs_test.Changes.test_media_moves_to_another_port",
    "dialogs_test.Changes.test_keys_by_info_cross_once",
    "fax_test.Fax.test_a_page",
    "video_test.Video.test_two_phones_see_each_other",
    "bleed_test.Bleed.test_before_the_first_packet",
    "bleed_test.Bleed.test_a_call_under_way",
    "bundle_test.Bundled.test_sound_and_picture",
    "bundle_test.Bundled.test_a_lost_picture_comes_again",
    "doctor_test.Doctor.test_every_fault_has_its_name",
    "trace_test.InClear.test_a_call",
    "trace_test.Export.test_sip_and_rtcp_of_a_call",
)

# What asks where users are, again with phones of which the node has heard nothing for long (TANDEM_STORE): calls, groups, flows, forwards,
# features. The second list has what kills its node, or asks Redis for what either of two nodes may answer.
STORE = (
    "call_test.Calls.test_audio_and_keys_cross_both_ways",
    "forking_test.Forking.test_the_second_phone_answers",
    "forward_test.Forwards.test_always",
    "forward_test.Forwards.test_no_answer",
    "forward_test.Deflected.test_goes_on",
    "transfer_test.Blind.test_the_caller_gives_the_callee",
    "transfer_test.Blind.test_to_one_that_forwards",
    "codes_test.Codes.test_do_not_disturb",
    "groups_test.Groups.test_together_in_a_flow",
    "groups_test.Groups.test_mailbox_of_a_member",
    "groups_test.Groups.test_declined",
    "record_test.OfAGroup.test_on_demand",
    "flow_calls_test.Dials.test_orders",
    "queue_test.Queues.test_ring_all",
    "page_test.Pages.test_one_speaks",
)
STORE_KILLS = (
    "groups_test.Groups.test_by_number",
    "groups_test.Groups.test_else",
    "record_test.OfAGroup.test_auto",
    "flow_calls_test.Dials.test_goes_on",
    "pickup_test.Pickup.test_codes",
    "callback_test.Callbacks.test_place",
)
STORE_WHOLE = ("call_test.Calls", "forking_test.Forking", "forward_test.Forwards", "forward_test.Smart", "forward_test.Deflected",
               "transfer_test.Blind", "transfer_test.Back", "transfer_test.Attended", "transfer_test.ByCommand", "codes_test.Codes",
               "groups_test.Groups", "flow_calls_test.Numbers", "flow_calls_test.Dials", "flow_confirm_test.Confirms", "queue_test.Queues",
               "pickup_test.Pickup", "page_test.Pages.test_one_speaks", "page_test.Pages.test_who_rings", "callback_test.Callbacks.test_place")


def store_names(kills=True):
    """Some by default; with ./tandem test --long (TANDEM_LONG) whole classes. Those have kills, so two nodes run the short list."""
    if kills and os.environ.get("TANDEM_LONG"):
        return STORE_WHOLE
    return STORE + (STORE_KILLS if kills else ())
