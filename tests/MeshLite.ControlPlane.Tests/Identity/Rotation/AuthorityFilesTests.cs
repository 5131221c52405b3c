using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Identity.Rotation;

public sealed class AuthorityFilesTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly ManualTimeProvider _time = new();
    private readonly KeeperFixture _parts = new();
    private readonly AuthorityFiles _files;

    public AuthorityFilesTests()
    {
        AuthorityFiles.LoadOrCreate(_directory.Path, _time);
        _files = new AuthorityFiles(_directory.Path, _time);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string RecordPath => _directory[AuthorityFiles.RecordFile];

    public void Dispose()
    {
        _files.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Save_MirrorDue_FilesFollowTheRecord()
    {
        var next = _parts.MakeRoot();
        var read = await _files.ReadAsync(Cancelled);
        var record = Begin(read).Rotate(next, _time.GetUtcNow());

        (await _files.TrySaveAsync(read, record with { IsMirrorDue = true, Offered = record.Mirror.Fingerprint }, Cancelled)).ShouldBeTrue();

        TrustBundle.FromPem(File.ReadAllText(_directory["ca.pem"])).Roots.Length.ShouldBe(2, "sidecars that start are given this file");
        File.ReadAllText(_directory["ca.key"]).ShouldBe(record.Signer.Key);
        (await _files.ReadAsync(Cancelled)).Record!.IsMirrorDue.ShouldBeFalse();
        File.GetUnixFileMode(RecordPath).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task Read_EndedBetweenRecordAndFiles_FinishesIt()
    {
        var next = _parts.MakeRoot();
        var record = Begin(await _files.ReadAsync(Cancelled)).Rotate(next, _time.GetUtcNow()).Switch(_time.GetUtcNow());
        record = record with { IsMirrorDue = true, Offered = record.Mirror.Fingerprint };
        File.WriteAllText(RecordPath, AuthorityJson.Write(record));

        var read = await _files.ReadAsync(Cancelled);

        read.Record!.IsMirrorDue.ShouldBeFalse();
        read.Offer!.Key.ShouldBe(next.Key);
        using var offered = CertificateAuthority.FromPem(read.Offer.Key, "key", read.Offer.Certificates, "pem", _time);
        offered.ToPart().Fingerprint.ShouldBe(read.Record.Offered, "what was written is no new offer");
    }

    [Fact]
    public async Task Save_ChangedSinceItWasRead_IsRefused()
    {
        var read = await _files.ReadAsync(Cancelled);
        File.WriteAllText(RecordPath, AuthorityJson.Write(Begin(read)));

        (await _files.TrySaveAsync(read, Begin(read).Rotate(_parts.MakeRoot(), default), Cancelled)).ShouldBeFalse();
    }

    [Fact]
    public async Task LoadOrCreate_InTheMiddleOfARotation_IsWhatIsRecorded()
    {
        var next = _parts.MakeRoot();
        var record = Begin(await _files.ReadAsync(Cancelled)).Rotate(next, default).Switch(default);
        File.WriteAllText(RecordPath, AuthorityJson.Write(record));

        var loaded = AuthorityFiles.LoadOrCreate(_directory.Path, _time);

        loaded.Signer.ToPart().Chain.ShouldBe(next.Chain);
        loaded.ServerSigner.ToPart().Chain.ShouldBe(record.Previous!.Chain);
        loaded.Bundle.Roots.Length.ShouldBe(2);
    }

    [Fact]
    public void LoadOrCreate_DamagedRecord_SaysWhichFileAndNothingOfIt()
    {
        File.WriteAllText(RecordPath, "{\"signer\": {\"key\": \"secret");

        var problem = Should.Throw<StartupException>(() => AuthorityFiles.LoadOrCreate(_directory.Path, _time));

        problem.Message.ShouldContain(RecordPath);
        problem.ToString().ShouldNotContain("secret");
    }

    [Fact]
    public async Task LoadOrCreate_RecordedOneHasExpired_TakesTheFiles()
    {
        var short1 = _parts.PartOf(new TestAuthority(_time, "CN=short", TimeSpan.FromMinutes(1)));
        File.WriteAllText(RecordPath, AuthorityJson.Write(Begin(await _files.ReadAsync(Cancelled)) with { Signer = short1, Roots = short1.Roots }));
        _time.Advance(TimeSpan.FromMinutes(2));

        AuthorityFiles.LoadOrCreate(_directory.Path, _time).Signer.Root.Subject.ShouldStartWith("CN=MeshLite root");
    }

    [Fact]
    public async Task Wait_FileReplaced_Ends()
    {
        await _files.ReadAsync(Cancelled);
        var waiting = _files.WaitAsync(TimeSpan.FromHours(1), Cancelled);
        SecretFile.Replace(_directory["ca.pem"], "something else");

        while (!waiting.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        await waiting;
    }

    /// <summary>As <c>meshctl ca status</c> does.</summary>
    [Fact]
    public async Task Wait_FileReplacedAndReadBySomebodyElse_Ends()
    {
        await _files.ReadAsync(Cancelled);
        var begin = _time.GetUtcNow();
        var waiting = _files.WaitAsync(TimeSpan.FromHours(1), Cancelled);
        SecretFile.Replace(_directory["ca.pem"], "something else");
        await _files.ReadAsync(Cancelled);

        while (!waiting.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        await waiting;
        (_time.GetUtcNow() - begin).ShouldBeLessThan(TimeSpan.FromHours(1));
    }

    /// <summary>On a loaded machine a thread may stand still between any two looks at the clock.</summary>
    [Theory]
    [InlineData(500.5)]
    [InlineData(600)]
    public async Task Wait_TimeEndsBetweenTwoLooksAtTheClock_Ends(double step)
    {
        using var files = new AuthorityFiles(_directory.Path, new LeapingClock(TimeSpan.FromMilliseconds(step)));
        await files.ReadAsync(Cancelled);

        await files.WaitAsync(TimeSpan.FromSeconds(1), Cancelled).WaitAsync(TimeSpan.FromSeconds(15), TimeProvider.System, Cancelled);
    }

    private AuthorityRecord Begin(StoredAuthority read)
    {
        using var offered = CertificateAuthority.FromPem(read.Offer!.Key, "key", read.Offer.Certificates, "pem", _time);
        return AuthorityRecord.Begin(offered.ToPart(), offered.ToPart().Fingerprint, _time.GetUtcNow());
    }

    /// <summary>Goes on by a step whenever it is looked at; its timers are due at once.</summary>
    private sealed class LeapingClock(TimeSpan step) : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _now, step.Ticks);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
    }
}
