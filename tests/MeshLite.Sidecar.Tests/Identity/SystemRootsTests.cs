using System.Security.Cryptography.X509Certificates;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class SystemRootsTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    public SystemRootsTests()
    {
        Directory.CreateDirectory(_directory["certs"]);
        Directory.CreateDirectory(_directory["more"]);
        Save("one.pem", "one");
        Save("two.pem", "two", "three");
        Save("certs/four.pem", "four");
        Save("more/five.pem", "five");
        File.WriteAllText(_directory["certs/README"], "Not a certificate.");
        File.WriteAllText(_directory["broken.pem"], "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(null, null, "one")] // the first that is there
    [InlineData("", "", "one")]
    [InlineData("two.pem", null, "two three")]
    [InlineData(null, "more", "five")] // what is named, and nothing else
    [InlineData("two.pem", "more:certs", "two three five four")]
    [InlineData("none.pem", null, "")] // not there: nothing in its place
    [InlineData("broken.pem", null, "")]
    [InlineData("broken.pem", "certs", "four")]
    [InlineData("none.pem", "none:more", "five")]
    [InlineData("certs", "one.pem", "")] // the one in the other's place
    public void Read_ByVariables_TakesWhatTheySayOrWhatDistributionsHave(string? file, string? directory, string names)
    {
        var roots = SystemRoots.Read(
            string.IsNullOrEmpty(file) ? file : _directory[file],
            directory is null ? null : string.Join(':', directory.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(d => _directory[d])),
            [_directory["absent.pem"], _directory["one.pem"], _directory["two.pem"]], [_directory["certs"]]);

        string.Join(' ', roots.Select(root => root.GetNameInfo(X509NameType.SimpleName, forIssuer: false))).ShouldBe(names);
    }

    [Fact]
    public void Read_NothingNamedAndNoFile_TakesTheDirectories() =>
        SystemRoots.Read(null, null, [_directory["absent.pem"]], [_directory["absent"], _directory["certs"]]).ShouldHaveSingleItem().Subject.ShouldBe("CN=four");

    private void Save(string file, params string[] names) => File.WriteAllLines(
        _directory[file], names.Select(name => new TestAuthority(TimeProvider.System, $"CN={name}").Public.ExportCertificatePem()));
}
