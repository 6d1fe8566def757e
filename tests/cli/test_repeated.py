"""An option that cannot be repeated never wins silently when it is."""

from collections.abc import Iterator

import click
import pytest

from suppress.cli import CommandLine, command_line


def single_options() -> Iterator[tuple[str, click.Option]]:
    context = click.Context(command_line)
    for name in command_line.list_commands(context):
        command = command_line.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.multiple:
                yield name, parameter


@pytest.mark.parametrize(
    ("command", "option"),
    list(single_options()),
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_given_twice_it_is_refused_in_every_command(command: str, option: click.Option) -> None:
    once = [option.opts[-1], *([] if option.is_flag else ["x"])]
    again = [option.opts[0], *([] if option.is_flag else ["y"])]
    context = click.Context(command_line, **command_line.context_settings)
    # Not run: some would go on for ever.
    with pytest.raises(click.UsageError, match=f"{option.opts[-1]} is given 2 times") as raised:
        command_line.resolve_command(context, [command, *once, *again])
    assert raised.value.exit_code == 2


def single(*names: str, **more: object) -> click.Option:
    return click.Option(names, **more)  # type: ignore[arg-type]


@pytest.fixture
def group() -> CommandLine:
    """A group as that of suppress, with the commands that a plugin could offer."""
    called = click.Command(
        "tell",
        callback=lambda **given: given,
        params=[
            single("--to"),
            single("--json/--table", "as_json", default=False),
            single("--sms", "by", flag_value="sms"),
            single("--viber", "by", flag_value="viber"),
            single("--channel", multiple=True),
            single("-v", "loud", count=True),
            click.Argument(["rest"], nargs=-1),
        ],
        context_settings={"token_normalize_func": str.lower},
    )
    return CommandLine(
        "suppress", commands={"tell": called, "inner": click.Group("inner", {"tell": called})}
    )


@pytest.mark.parametrize("before", [[], ["inner"]], ids=["command", "in a group"])
class TestAPluginsCommand:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["--to", "a", "--to", "b"],
            ["--to=a", "--TO=a"],
            ["--json", "--table"],
            ["--sms", "--viber"],
            ["x", "--to", "a", "y", "--to", "b", "z"],
        ],
    )
    def test_is_refused(self, group: CommandLine, before: list[str], arguments: list[str]) -> None:
        with pytest.raises(click.UsageError, match="is given 2 times"):
            group.main([*before, "tell", *arguments], "suppress", standalone_mode=False)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--to", "--to"],
            ["--to", "a", "--", "--to", "b"],
            ["--channel", "a", "--channel", "a", "-v", "-vv", "--json"],
        ],
    )
    def test_is_not_refused(
        self, group: CommandLine, before: list[str], arguments: list[str]
    ) -> None:
        given = group.main([*before, "tell", *arguments], "suppress", standalone_mode=False)
        assert given["to"] in ("--to", "a", None)

    def test_other_faults_keep_their_own_message(
        self, group: CommandLine, before: list[str]
    ) -> None:
        with pytest.raises(click.UsageError, match="requires an argument"):
            group.main([*before, "tell", "--to"], "suppress", standalone_mode=False)


def test_to_ask_for_help_twice_is_to_ask_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["check", "--help", "-h"], "suppress", standalone_mode=False)
    assert "Usage: suppress check" in capsys.readouterr().out
