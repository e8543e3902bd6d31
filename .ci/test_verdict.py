#!/usr/bin/env python3
"""Tests of what the count of kills rests on: the verdict, and how requests are named."""

from __future__ import annotations

import unittest
from typing import Any

from passage import label
from verdict import DOUBLED, LOST, TWICE, UNTOLD, WRONG, Facts, judge


def message(content: str, **more: Any) -> dict[str, Any]:
    return {"id": "1", "interaction_id": "i", "content": content, "loading": False, "components": [], **more}


GREEN = message("🟢 **Client deploy** succeeded (`success`)")
RED = message("🔴 **Client deploy** failed (`failure`)")
GOING_ON = message("🔵 **Client deploy** in progress")
THINKING = message("", loading=True)
NOTHING_DONE = message("⚠️ **Client deploy** was not dispatched")
CARD = message("", components=[{"type": 17, "components": [{"type": 10, "content": GREEN["content"]}]}])
FOLLOW_UP = message("<@1> 🟢 **Client deploy** succeeded", id="2")
POST = message("<@1> 🟢 **Client deploy** succeeded", id="3", interaction_id="", reply_to="1")
GOES_ON = message("<@1> ⏱️ **Client deploy** goes on", id="4")
GOOD = Facts(answered=True, may_read=True, message=GREEN, others=[POST], dispatches=1, conclusion="success")


class Verdict(unittest.TestCase):
    def test_each_fault_is_found_and_nothing_else(self) -> None:
        for change, faults in (
            ({}, set()),
            ({"message": CARD}, set()),
            ({"others": [FOLLOW_UP]}, set()),
            ({"others": [GOES_ON, POST]}, set()),
            ({"others": []}, {LOST}),
            ({"others": [GOES_ON]}, {LOST}),
            ({"others": [], "may_read": False}, {UNTOLD}),
            ({"others": [FOLLOW_UP, POST]}, {TWICE}),
            ({"others": [FOLLOW_UP, FOLLOW_UP], "may_read": False}, {TWICE}),
            ({"others": [{**POST, "reply_to": "9"}]}, {WRONG}),
            ({"others": [{**POST, "reply_to": None}], "may_read": False}, set()),
            ({"others": [{**POST, "content": RED["content"]}]}, {WRONG}),
            ({"message": RED}, {LOST, WRONG}),
            ({"message": GOING_ON}, {LOST, WRONG}),
            ({"message": THINKING}, {LOST, WRONG}),
            ({"message": None}, {LOST, WRONG}),
            ({"dispatches": 2}, {DOUBLED}),
            ({"conclusion": "failure", "message": RED}, {WRONG}),
        ):
            with self.subTest(change):
                self.assertEqual(judge(GOOD._replace(**change)), faults)

    def test_a_deploy_that_never_was_is_told_as_that(self) -> None:
        nothing = GOOD._replace(dispatches=0, conclusion=None, message=NOTHING_DONE, others=[])
        self.assertEqual(judge(nothing), set())
        self.assertEqual(judge(nothing._replace(message=THINKING)), {LOST, WRONG})
        self.assertEqual(judge(nothing._replace(message=GREEN)), {LOST, WRONG})
        self.assertEqual(judge(nothing._replace(answered=False, message=None)), set())

    def test_an_interaction_without_an_answer_dispatches_nothing(self) -> None:
        dead = GOOD._replace(answered=False, message=None, others=[])
        self.assertEqual(judge(dead), {WRONG})
        self.assertEqual(judge(dead._replace(dispatches=2)), {WRONG, DOUBLED})


class Label(unittest.TestCase):
    def test_requests_of_different_deploys_have_one_name(self) -> None:
        token = "aW50ZXJhY3Rpb246" * 4
        for asked, name in (
            (
                ("Discord", "PATCH", f"/api/v10/webhooks/81/{token}/messages/@original", ""),
                "Discord PATCH /webhooks/…/…/messages/@original",
            ),
            (
                ("GitHub", "GET", "/repos/octo-org/web-client/actions/runs/15000001013?exclude_pull_requests=true", ""),
                "GitHub GET /runs/…",
            ),
            (
                ("GitHub", "POST", "/repos/octo-org/web-client/actions/workflows/client-deploy.yml/dispatches", ""),
                "GitHub POST /workflows/client-deploy.yml/dispatches",
            ),
            (("DynamoDB", "POST", "/", "DynamoDB_20120810.TransactWriteItems"), "DynamoDB TransactWriteItems"),
        ):
            self.assertEqual(label(*asked), name)


if __name__ == "__main__":
    unittest.main()
