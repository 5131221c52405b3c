using FsCheck;
using FsCheck.Fluent;
using MeshLite.Protocol.Pki;

namespace MeshLite.Protocol.Tests.Pki;

public sealed class ExpiryMarginTests
{
    private static readonly DateTimeOffset Issued = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(3650 * 24 * 3600, 30 * 24 * 3600)] // a root
    [InlineData(90 * 24 * 3600, 22.5 * 24 * 3600)] // cert-manager's default
    [InlineData(24 * 3600, 6 * 3600)] // a leaf
    [InlineData(10, 2.5)] // the shortest leaf
    public void Of_Life_IsAQuarterAtMost30Days(double life, double margin) =>
        ExpiryMargin.Of(Issued - SvidProfile.Backdate, Issued + TimeSpan.FromSeconds(life)).TotalSeconds.ShouldBe(margin, 0.001);

    [Fact]
    public void IsNear_RenewedAtItsLatestMoment_NeverBefore()
    {
        // Sidecars renew at 73.3 % of a life at the latest.
        Prop.ForAll(Gen.Choose(10, 90 * 24 * 3600).ToArbitrary(), seconds =>
        {
            var (begins, ends) = (Issued - SvidProfile.Backdate, Issued + TimeSpan.FromSeconds(seconds));
            return !ExpiryMargin.IsNear(begins, ends, Issued + ((ends - Issued) * 0.733)) && ExpiryMargin.IsNear(begins, ends, ends - TimeSpan.FromTicks(1)) && ExpiryMargin.IsNear(begins, ends, ends);
        }).QuickCheckThrowOnFailure();
    }
}
