using MeshLite.ControlPlane.Streaming;

namespace MeshLite.ControlPlane.Tests.Streaming;

public sealed class MailboxTests
{
    private readonly Mailbox _mailbox = new();

    // The publisher must not write into the set that the sender reads: also not into one that was empty.
    [Fact]
    public void TakeChanged_KeysThatComeMeanwhile_AreInTheNextOnly()
    {
        var nothing = _mailbox.TakeChanged();
        _mailbox.Changed("a");
        nothing.ShouldBeEmpty();

        var taken = _mailbox.TakeChanged();
        _mailbox.Changed("b");
        _mailbox.Changed("a");
        _mailbox.Changed("b");

        taken.ShouldBe(["a"]);
        _mailbox.TakeChanged().ShouldBe(["b", "a"], ignoreOrder: true);
        _mailbox.TakeChanged().ShouldBeEmpty();
    }

    [Fact]
    public void TakeChanged_AfterManyAtOnce_KeepsNoRoomForThem()
    {
        for (var i = 0; i < 1_000; i++)
        {
            _mailbox.Changed($"{i}");
        }

        _mailbox.TakeChanged().Count.ShouldBe(1_000);

        _mailbox.TakeChanged().Capacity.ShouldBeLessThan(100);
        _mailbox.Changed("a");
        _mailbox.TakeChanged().Capacity.ShouldBeLessThan(100);
    }
}
