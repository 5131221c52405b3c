using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Config;

namespace MeshLite.Sidecar.Tests.Config;

public sealed class OutboxTests
{
    private readonly Outbox _outbox = new();

    [Fact]
    public void Begin_AfterWishesWithoutStream_HelloSaysThemAndNothingIsQueued()
    {
        _outbox.Subscribe("orders");
        _outbox.Subscribe("gone");
        _outbox.Unsubscribe("gone");
        _outbox.ReportHealth(ready: true, draining: false);

        var hello = Begin();

        hello.Authorities.ShouldBe(["orders"]);
        hello.Ready.ShouldBeTrue();
        Queued().ShouldBeEmpty();
    }

    [Fact]
    public void Subscribe_OnOpenStream_IsSentOnce()
    {
        Begin();
        _outbox.Subscribe("orders");
        _outbox.Subscribe("orders");
        _outbox.Unsubscribe("orders");
        _outbox.Unsubscribe("orders");

        var queued = Queued();
        queued.Select(m => m.MessageCase).ShouldBe([SidecarMessage.MessageOneofCase.Subscribe, SidecarMessage.MessageOneofCase.Unsubscribe]);
        queued[0].Subscribe.Authorities.ShouldBe(["orders"]);
    }

    [Fact]
    public void Begin_AgainAfterAStream_DropsWhatWasForTheOldOne()
    {
        Begin();
        _outbox.Send(new SidecarMessage { Ack = new() });
        _outbox.Subscribe("orders");

        Begin().Authorities.ShouldBe(["orders"]);

        Queued().ShouldBeEmpty();
    }

    [Fact]
    public void Send_AfterEnd_IsDropped()
    {
        Begin();
        _outbox.Send(new SidecarMessage { Ack = new() });
        _outbox.End();
        _outbox.Send(new SidecarMessage { Ack = new() });

        Queued().ShouldBeEmpty();
    }

    [Fact]
    public void ReportHealth_WhileDraining_NeverSaysReadyAgain()
    {
        Begin();
        _outbox.ReportHealth(ready: true, draining: true);
        _outbox.ReportHealth(ready: true, draining: false);

        Queued().Select(m => m.Health).ShouldBe([new Health { Draining = true }, new Health { Draining = true }]);
        Begin().Ready.ShouldBeFalse();
    }

    private Hello Begin()
    {
        var hello = new Hello();
        _outbox.Begin(hello);
        return hello;
    }

    private List<SidecarMessage> Queued()
    {
        var messages = new List<SidecarMessage>();
        while (_outbox.Messages.TryRead(out var message))
        {
            messages.Add(message);
        }

        return messages;
    }
}
