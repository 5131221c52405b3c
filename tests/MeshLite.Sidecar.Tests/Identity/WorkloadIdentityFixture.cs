using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Identity;

/// <summary>A workload's identity on manual time, with token file and state directory, and the loop that a test starts.</summary>
internal sealed class WorkloadIdentityFixture : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TestDirectory _directory = new();
    private Task _loop = Task.CompletedTask;

    public WorkloadIdentityFixture()
    {
        Root = new TestAuthority(Time);
        Certifier = new FakeCertifier(Root);
        File.WriteAllText(TokenFile, "token-1\n");
        Options = new IdentityOptions { TokenFile = TokenFile, StateDirectory = StateDirectory };
    }

    public ManualTimeProvider Time { get; } = new();

    public TestAuthority Root { get; }

    public FakeCertifier Certifier { get; }

    public IdentityOptions Options { get; set; }

    public string TokenFile => _directory["token"];

    public string StateDirectory => _directory["state"];

    public WorkloadIdentity Create(int seed = 1) =>
        new(Options, Certifier, Time, new Random(seed), NullLogger<WorkloadIdentity>.Instance);

    /// <summary>Starts the loop and returns when it sleeps.</summary>
    public async Task<WorkloadIdentity> RunAsync()
    {
        var identity = Create();
        _loop = identity.RunAsync(_stop.Token);
        await AsleepAsync();
        return identity;
    }

    /// <summary>A workload that has its first certificate.</summary>
    public async Task<WorkloadIdentity> CertifiedAsync()
    {
        var identity = await RunAsync();
        identity.Current.ShouldNotBeNull();
        await Certifier.NextAsync();
        return identity;
    }

    /// <summary>Moves time, and waits until the loop sleeps again.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        Time.Advance(by);
        await AsleepAsync();
    }

    /// <summary>To the very moment of the next renewal: whatever comes after it waits for the next advance.</summary>
    public Task AdvanceToRenewalAsync(WorkloadIdentity identity) => AdvanceAsync(identity.Current!.RenewAt - Time.GetUtcNow());

    /// <summary>Stops the loop, as a process that ends would.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        _directory.Dispose();
    }

    // The loop's timer is the only one; it is gone while the loop works.
    private Task AsleepAsync() => Eventually.TrueAsync(() => Time.PendingTimers == 1, "the loop sleeps");
}
