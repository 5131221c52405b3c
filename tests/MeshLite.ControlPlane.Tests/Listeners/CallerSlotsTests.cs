using System.Net;
using MeshLite.ControlPlane.Listeners;

namespace MeshLite.ControlPlane.Tests.Listeners;

public sealed class CallerSlotsTests
{
    private static readonly IPAddress A = IPAddress.Parse("10.1.0.1"), B = IPAddress.Parse("10.1.0.2"), C = IPAddress.Parse("10.1.0.3");

    private readonly CallerSlots _slots = new(total: 3, ofOne: 2, waiting: 2);

    [Fact]
    public async Task Enter_ShareOfOneAddressTaken_OthersAreServed()
    {
        await TakenAsync(A, A);

        var third = EnterAsync(A);
        await TakenAsync(B);

        third.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task Leave_WaiterOfAFullAddress_IsPassedBy()
    {
        await TakenAsync(A, A, B);
        var (third, other) = (EnterAsync(A), EnterAsync(C));

        _slots.Leave(B);

        (await other).ShouldBeTrue();
        third.IsCompleted.ShouldBeFalse();
        _slots.Leave(A);
        (await third).ShouldBeTrue();
    }

    [Fact]
    public async Task Enter_TooManyWait_IsToldAtOnce()
    {
        await TakenAsync(A, A, B);
        _ = (EnterAsync(A), EnterAsync(A));

        (await EnterAsync(C)).ShouldBeFalse();
    }

    [Fact]
    public async Task Enter_GivenUp_LeavesItsPlaceToOthers()
    {
        await TakenAsync(A, A, B);
        using var impatient = new CancellationTokenSource();
        var (given, next) = (_slots.EnterAsync(A, impatient.Token).AsTask(), EnterAsync(C));

        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(given);
        _slots.Leave(A);

        (await next).ShouldBeTrue();
        _slots.Leave(A);
        _slots.Leave(B);
        _slots.Leave(C);
        await TakenAsync(A, A, B);
    }

    private Task<bool> EnterAsync(IPAddress address) => _slots.EnterAsync(address, TestContext.Current.CancellationToken).AsTask();

    private async Task TakenAsync(params IPAddress[] addresses)
    {
        foreach (var address in addresses)
        {
            var entering = EnterAsync(address);
            entering.IsCompletedSuccessfully.ShouldBeTrue();
            (await entering).ShouldBeTrue();
        }
    }
}
